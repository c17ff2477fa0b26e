/**
 * Reads a small, safe part of Markdown into a tree. Pure. HTML in it stays text, links lead to the
 * web or to a mailbox only, and images are not fetched: whoever wrote an item learns nothing.
 */

export type Inline =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "break" }
  | { readonly kind: "strong" | "emphasis" | "deleted"; readonly children: readonly Inline[] }
  | { readonly kind: "link"; readonly href: string; readonly children: readonly Inline[] };

export type Block =
  | { readonly kind: "heading"; readonly level: number; readonly children: readonly Inline[] }
  | { readonly kind: "paragraph"; readonly children: readonly Inline[] }
  | { readonly kind: "code"; readonly text: string }
  | { readonly kind: "rule" }
  | { readonly kind: "quote"; readonly children: readonly Block[] }
  | {
      readonly kind: "list";
      readonly first: number | null;
      readonly items: readonly (readonly Block[])[];
    }
  | {
      readonly kind: "table";
      readonly head: readonly (readonly Inline[])[];
      readonly rows: readonly (readonly (readonly Inline[])[])[];
    };

const MOST_DEPTH = 8;
/** A longer paragraph is no prose, and looking for pairs in it would take noticeable time. */
const MOST_INLINE = 10_000;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/;
const RULE = /^ {0,3}([-*_])(?:\s*\1){2,}\s*$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-*+]|\d{1,9}[.)])( +)(?=\S)/;
const TABLE_LINE = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

export function parseMarkdown(source: string): readonly Block[] {
  return blocks(source.replace(/\r\n?/g, "\n").replace(/\t/g, "    ").split("\n"), 0);
}

// ---------------------------------------------------------------------------------- blocks

interface Read {
  readonly block: Block;
  /** Lines used. */
  readonly lines: number;
}

function blocks(lines: readonly string[], depth: number): readonly Block[] {
  const found: Block[] = [];
  let at = 0;
  while (at < lines.length) {
    if (isBlank(lines[at])) {
      at += 1;
      continue;
    }
    const rest = lines.slice(at);
    const read =
      fenced(rest) ??
      oneLine(rest) ??
      (depth < MOST_DEPTH ? (quote(rest, depth) ?? list(rest, depth)) : null) ??
      table(rest) ??
      paragraph(rest);
    found.push(read.block);
    at += read.lines;
  }
  return found;
}

function fenced(lines: readonly string[]): Read | null {
  const fence = FENCE.exec(lines[0] ?? "")?.[1];
  if (fence === undefined) return null;
  const end = lines.findIndex((line, at) => at > 0 && line.trim().startsWith(fence));
  const last = end === -1 ? lines.length : end;
  return { block: { kind: "code", text: lines.slice(1, last).join("\n") }, lines: last + 1 };
}

function oneLine(lines: readonly string[]): Read | null {
  const line = lines[0] ?? "";
  const heading = HEADING.exec(line);
  if (heading) {
    const level = (heading[1] ?? "").length;
    return { block: { kind: "heading", level, children: inlines(heading[2] ?? "") }, lines: 1 };
  }
  return RULE.test(line) ? { block: { kind: "rule" }, lines: 1 } : null;
}

function quote(lines: readonly string[], depth: number): Read | null {
  const end = lines.findIndex((line) => !QUOTE.test(line));
  const count = end === -1 ? lines.length : end;
  if (count === 0) return null;
  const inner = lines.slice(0, count).map((line) => line.replace(QUOTE, ""));
  return { block: { kind: "quote", children: blocks(inner, depth + 1) }, lines: count };
}

function list(lines: readonly string[], depth: number): Read | null {
  const first = ITEM.exec(lines[0] ?? "")?.[2];
  if (first === undefined) return null;
  const ordered = /\d/.test(first);
  const items: string[][] = [];
  let at = 0;
  let indent = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const marker = ITEM.exec(line);
    if (marker && indentOf(line) < Math.max(indent, 1) && /\d/.test(marker[2] ?? "") === ordered) {
      indent = marker[0].length;
      items.push([line.slice(indent)]);
    } else if (indentOf(line) >= indent && !isBlank(line)) items.at(-1)?.push(line.slice(indent));
    else if (isBlank(line)) {
      const next = lines[at + 1] ?? "";
      if (isBlank(next) || (indentOf(next) < indent && !ITEM.test(next))) break;
      items.at(-1)?.push("");
    } else if (startsBlock(line)) break;
    else items.at(-1)?.push(line.trimStart());
    at += 1;
  }
  return {
    block: {
      kind: "list",
      first: ordered ? Number.parseInt(first, 10) : null,
      items: items.map((item) => blocks(item, depth + 1)),
    },
    lines: at,
  };
}

function table(lines: readonly string[]): Read | null {
  const head = lines[0] ?? "";
  const line = lines[1] ?? "";
  if (!head.includes("|") || !line.includes("-") || !TABLE_LINE.test(line)) return null;
  const width = cells(head).length;
  if (cells(line).length !== width) return null;
  const end = lines.findIndex((each, at) => at > 1 && !each.includes("|"));
  const rows = lines.slice(2, end === -1 ? lines.length : end);
  const row = (each: string): readonly (readonly Inline[])[] => {
    const found = cells(each);
    return Array.from({ length: width }, (_, at) => inlines(found[at] ?? ""));
  };
  return { block: { kind: "table", head: row(head), rows: rows.map(row) }, lines: rows.length + 2 };
}

function cells(line: string): readonly string[] {
  return line
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|")
    .map((each) => each.trim());
}

function paragraph(lines: readonly string[]): Read {
  const end = lines.findIndex((line, at) => at > 0 && (isBlank(line) || startsBlock(line)));
  const count = end === -1 ? lines.length : end;
  const text = lines
    .slice(0, count)
    .map((line) => line.trimStart())
    .join("\n");
  return { block: { kind: "paragraph", children: inlines(text.trimEnd()) }, lines: count };
}

function startsBlock(line: string): boolean {
  return [FENCE, HEADING, RULE, QUOTE, ITEM].some((each) => each.test(line));
}

function isBlank(line: string | undefined): boolean {
  return line === undefined || line.trim() === "";
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}

// --------------------------------------------------------------------------------- inlines

const INLINE = new RegExp(
  [
    String.raw`\\([!-/:-@[-${"`"}{-~])`, // 1 an escaped sign
    "(`+)([^`](?:[\\s\\S]*?[^`])?)\\2(?!`)", // 2, 3 code
    String.raw`!?\[([^\]\n]{0,300})\]\(\s*<?([^\s<>()]*(?:\([^\s<>()]*\)[^\s<>()]*)*)>?(?:\s+"[^"]*")?\s*\)`, // 4, 5 link
    String.raw`(\*\*|__)(?=\S)([\s\S]*?\S)\6`, // 6, 7 strong
    String.raw`~~(?=\S)([\s\S]*?\S)~~`, // 8 deleted
    String.raw`\*(?=[^\s*])([\s\S]*?[^\s*])\*(?!\*)`, // 9 emphasis
    String.raw`(?<![\p{L}\p{N}])_(?=[^\s_])([\s\S]*?[^\s_])_(?![\p{L}\p{N}])`, // 10 emphasis
    String.raw`<?(https?:\/\/[^\s<>]*[^\s<>.,;:!?'")\]])>?`, // 11 address
    String.raw`(?: {2,}|\\)\n`, // a break
  ].join("|"),
  "gu",
);

function inlines(source: string, depth = 0): readonly Inline[] {
  const found: Inline[] = [];
  let at = 0;
  const text = (piece: string): void => {
    if (piece !== "") found.push({ kind: "text", text: piece });
  };
  const plain = depth > MOST_DEPTH || source.length > MOST_INLINE;
  for (const match of plain ? [] : source.matchAll(INLINE)) {
    text(source.slice(at, match.index));
    found.push(inline(match, depth + 1));
    at = match.index + match[0].length;
  }
  text(source.slice(at));
  return found;
}

function inline(match: RegExpExecArray, depth: number): Inline {
  const [whole, sign, , code, name, href, , strong, deleted, star, line, address] = match;
  if (sign !== undefined) return { kind: "text", text: sign };
  if (code !== undefined) return { kind: "code", text: code.trim() };
  if (name !== undefined) {
    const children = inlines(name || (href ?? ""), depth);
    const safe = safeHref(href ?? "");
    return safe === null ? { kind: "text", text: whole } : { kind: "link", href: safe, children };
  }
  if (strong !== undefined) return { kind: "strong", children: inlines(strong, depth) };
  if (deleted !== undefined) return { kind: "deleted", children: inlines(deleted, depth) };
  const emphasis = star ?? line;
  if (emphasis !== undefined) return { kind: "emphasis", children: inlines(emphasis, depth) };
  const safe = address === undefined ? null : safeHref(address);
  if (address === undefined) return { kind: "break" };
  return safe === null
    ? { kind: "text", text: whole }
    : { kind: "link", href: safe, children: [{ kind: "text", text: address }] };
}

/** The address if it leads to the web or a mailbox; null otherwise. */
export function safeHref(href: string): string | null {
  try {
    const url = new URL(href);
    return ["http:", "https:", "mailto:"].includes(url.protocol) ? url.href : null;
  } catch {
    // Not an absolute address: relative ones would lead into this application.
    return null;
  }
}
