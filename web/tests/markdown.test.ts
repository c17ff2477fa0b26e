import { describe, expect, it } from "vitest";
import { type Block, type Inline, parseMarkdown, safeHref } from "../src/markdown";

/** A short writing of the tree, so that expectations fit on a line. */
function brief(source: string): string {
  return parseMarkdown(source).map(block).join(" ");
}

function block(each: Block): string {
  switch (each.kind) {
    case "heading":
      return `h${each.level}(${each.children.map(inline).join("")})`;
    case "paragraph":
      return `p(${each.children.map(inline).join("")})`;
    case "code":
      return `pre(${each.text})`;
    case "rule":
      return "hr";
    case "quote":
      return `quote(${each.children.map(block).join(" ")})`;
    case "list":
      return `${each.first === null ? "ul" : `ol${each.first}`}(${each.items.map((item) => item.map(block).join(" ")).join(" | ")})`;
    case "table":
      return `table(${[each.head, ...each.rows].map((row) => row.map((cell) => cell.map(inline).join("")).join(",")).join(";")})`;
  }
}

function inline(each: Inline): string {
  switch (each.kind) {
    case "text":
      return each.text;
    case "code":
      return `‹${each.text}›`;
    case "break":
      return "⏎";
    case "link":
      return `[${each.children.map(inline).join("")}→${each.href}]`;
    default:
      return `${each.kind[0]}{${each.children.map(inline).join("")}}`;
  }
}

const ELSEWHERE = [
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  "java\tscript:alert(1)",
  "\u0001javascript:alert(1)",
  "java&#115;cript:alert(1)",
  "javascript&colon;alert(1)",
  "%6aavascript:alert(1)",
  "data:text/html,x",
  "data:image/png;base64,AAAA",
  "vbscript:x",
  "file:///etc/passwd",
  "ftp://elsewhere.example/x",
  "intent://x#Intent;end",
  "ms-word:ofe|u|https://elsewhere.example/x.docm",
  "blob:https://elsewhere.example/1",
  "/sign-out",
  "#form",
  "//elsewhere.example",
  "\\\\elsewhere.example\\x",
];
const PIECES = [
  ...ELSEWHERE.flatMap((each) => [
    each,
    `[a](${each})`,
    `[a](<${each}>)`,
    `![a](${each})`,
    `<${each}>`,
  ]),
  ..."[ ]( ) < > ! ]: * ** _ ~~ ` | \\ & #x6A; - 1. https:// mailto:".split(" "),
  " ",
  "\n",
  "\n\n",
  "> ",
  "| a |\n|---|\n| ",
  "\u2028",
  "\u0000",
];

/** Where every link of a text leads, however deep it is. */
function links(source: string): readonly string[] {
  const found: string[] = [];
  JSON.stringify(parseMarkdown(source), (key, value: unknown) => {
    if (key === "href") found.push(String(value));
    return value;
  });
  return found;
}

/** Texts put together at random, the same ones each time. */
function* madeUp(count: number): Generator<string> {
  let state = 1;
  const below = (most: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % most;
  };
  for (let at = 0; at < count; at += 1) {
    yield Array.from({ length: 1 + below(20) }, () => PIECES[below(PIECES.length)]).join("");
  }
}

it.each([
  ["# Title #\n\ntext", "h1(Title) p(text)"],
  ["one\ntwo\n\nthree", "p(one\ntwo) p(three)"],
  ["**bold** and *thin* and ~~gone~~", "p(s{bold} and e{thin} and d{gone})"],
  ["**bold with *thin* inside**", "p(s{bold with e{thin} inside})"],
  ["snake_case_name stays, _this_ not", "p(snake_case_name stays, e{this} not)"],
  ["2 * 3 * 4", "p(2 * 3 * 4)"],
  ["\\*not thin\\*", "p(*not thin*)"],
  ["`a*b*` and ``c`d``", "p(‹a*b*› and ‹c`d›)"],
  ["- a\n- b\n  - c\n- d", "ul(p(a) | p(b) ul(p(c)) | p(d))"],
  ["3. a\n4. b", "ol3(p(a) | p(b))"],
  ["- a\n\n  more of a\n- b\n\nafter", "ul(p(a) p(more of a) | p(b)) p(after)"],
  ["> quoted\n> **twice**", "quote(p(quoted\ns{twice}))"],
  ["```py\nx < 1\n```\nafter", "pre(x < 1) p(after)"],
  ["---", "hr"],
  ["| a | b |\n|---|:-:|\n| 1 | **2** |", "table(a,b;1,s{2})"],
  ["line  \nbreak", "p(line⏎break)"],
  ["[signoff](https://example.org/a_(b))", "p([signoff→https://example.org/a_(b)])"],
  ["see https://example.org/x.", "p(see [https://example.org/x→https://example.org/x].)"],
])("reads %j", (source, expected) => {
  expect(brief(source)).toBe(expected);
});

describe("what could do harm", () => {
  it("stays text: HTML has no meaning here", () => {
    const source = '<script>alert(1)</script> <img src=x onerror="alert(1)">';
    expect(brief(source)).toBe(`p(${source})`);
  });

  it.each(ELSEWHERE)("leads nowhere: %j", (href) => {
    expect(safeHref(href)).toBeNull();
    expect(brief(`[click](${href})`)).not.toContain("→");
  });

  it("is not fetched: an image becomes a link", () => {
    expect(brief("![cat](https://example.org/cat.png)")).toBe(
      "p([cat→https://example.org/cat.png])",
    );
  });

  it("leads to the web or to a mailbox alone, whatever is written", () => {
    let seen = 0;
    for (const source of madeUp(4000)) {
      for (const href of links(source)) {
        expect(href, JSON.stringify(source)).toMatch(/^(https?:\/\/[^/]|mailto:)/);
        seen += 1;
      }
    }
    expect(seen).toBeGreaterThan(100);
  });

  it("ends, however deep or long it is", () => {
    expect(() => parseMarkdown("> ".repeat(5000) + "x")).not.toThrow();
    expect(() => parseMarkdown("**a ".repeat(4000))).not.toThrow();
    expect(() => parseMarkdown("[".repeat(20_000))).not.toThrow();
    expect(() => parseMarkdown("- ".repeat(3000) + "x")).not.toThrow();
  });
});
