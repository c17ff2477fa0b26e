/** The text being marked, as elements: where in the text the mouse or a line key points. */

import type { Range } from "../segments";

/** The selection as UTF-16 offsets into the element's text; null if it lies elsewhere. */
export function selectedIn(element: HTMLElement): Range | null {
  const selection = getSelection();
  const { anchorNode, focusNode } = selection ?? {};
  if (!selection || !anchorNode || !focusNode) return null;
  if (!element.contains(anchorNode) || !element.contains(focusNode)) return null;
  const anchor = offsetOf(element, anchorNode, selection.anchorOffset);
  const focus = offsetOf(element, focusNode, selection.focusOffset);
  return { start: Math.min(anchor, focus), end: Math.max(anchor, focus) };
}

function offsetOf(element: HTMLElement, node: Node, offset: number): number {
  const range = document.createRange();
  range.selectNodeContents(element);
  range.setEnd(node, offset);
  return range.toString().length;
}

/** The token on the next (`by` 1) or last (-1) line that is nearest to token `from`. */
export function onNextLine(
  element: HTMLElement,
  tokens: readonly Range[],
  from: number,
  by: 1 | -1,
): number {
  const start = boxOf(element, tokens[from]);
  if (start === null) return from;
  let line: number | null = null;
  let best = from;
  let nearest = Infinity;
  for (let at = from + by; at >= 0 && at < tokens.length; at += by) {
    const box = boxOf(element, tokens[at]);
    if (box === null || Math.abs(box.y - start.y) < start.height / 2) continue;
    line ??= box.y;
    if (Math.abs(box.y - line) > start.height / 2) break;
    const away = Math.abs(box.x - start.x);
    if (away < nearest) {
      nearest = away;
      best = at;
    }
  }
  // No further line: its end.
  return line === null ? (by === 1 ? tokens.length - 1 : 0) : best;
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly height: number;
}

/** The middle of a token on the screen. */
function boxOf(element: HTMLElement, token: Range | undefined): Box | null {
  if (token === undefined) return null;
  const range = document.createRange();
  const from = placeOf(element, token.start, false);
  const to = placeOf(element, token.end, true);
  if (from === null || to === null) return null;
  range.setStart(from.node, from.offset);
  range.setEnd(to.node, to.offset);
  const rect = range.getClientRects()[0];
  if (rect === undefined) return null;
  return { x: rect.x + rect.width / 2, y: rect.y + rect.height / 2, height: rect.height };
}

/** The text node that holds an offset; at a border: the one that ends there, or that begins. */
function placeOf(
  element: HTMLElement,
  offset: number,
  atEnd: boolean,
): { readonly node: Node; readonly offset: number } | null {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  let before = 0;
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    const length = node.textContent?.length ?? 0;
    const inside = atEnd ? offset <= before + length : offset < before + length;
    if (inside) return { node, offset: offset - before };
    before += length;
  }
  return null;
}

/** Brings a token into view; the text scrolls by itself. */
export function reveal(element: HTMLElement, token: Range | undefined): void {
  const place = token === undefined ? null : placeOf(element, token.start, false);
  place?.node.parentElement?.scrollIntoView({ block: "nearest" });
}
