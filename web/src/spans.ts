/**
 * Marking stretches of a text with keys: a cursor moves over the words, Shift grows the selection,
 * a digit labels it. Pure; all places in UTF-16 units, turned into code points for the wire.
 */

import { Offsets, type Range, snap } from "./segments";
import type { Span } from "./wire";

/** A labelled range, in UTF-16 units. */
export interface Mark extends Range {
  readonly label: string;
}

/** The selected words: `anchor` stays where it began, `head` moves. Indexes of tokens. */
export interface Cursor {
  readonly anchor: number;
  readonly head: number;
}

export function toMarks(spans: readonly Span[], offsets: Offsets): readonly Mark[] {
  return spans.map(({ start, end, label }) => ({
    start: offsets.toUnits(start),
    end: offsets.toUnits(end),
    label,
  }));
}

/** Sorted by place and without repetitions, as the wire wants them. */
export function toSpans(marks: readonly Mark[], offsets: Offsets): readonly Span[] {
  return sorted(marks).map(({ start, end, label }) => ({
    start: offsets.toPoints(start),
    end: offsets.toPoints(end),
    label,
  }));
}

/** Moves by words; `grow` keeps the anchor. */
export function moved(
  cursor: Cursor | null,
  by: number,
  count: number,
  grow: boolean,
): Cursor | null {
  if (count === 0) return null;
  if (cursor === null) {
    const first = by < 0 ? count - 1 : 0;
    return { anchor: first, head: first };
  }
  const head = Math.min(count - 1, Math.max(0, cursor.head + by));
  return { anchor: grow ? cursor.anchor : head, head };
}

/** From the first to the last selected word. */
export function selected(cursor: Cursor | null, tokens: readonly Range[]): Range | null {
  if (cursor === null) return null;
  const from = tokens[Math.min(cursor.anchor, cursor.head)];
  const to = tokens[Math.max(cursor.anchor, cursor.head)];
  return from && to ? { start: from.start, end: to.end } : null;
}

/** The words a range touches, as a cursor; null where it touches none. */
export function cursorOver(range: Range, tokens: readonly Range[]): Cursor | null {
  const first = tokens.findIndex((each) => each.end > range.start);
  const last = tokens.findLastIndex((each) => each.start < range.end);
  return first !== -1 && last >= first ? { anchor: first, head: last } : null;
}

/**
 * The marks with this range labelled. The same range and label again takes the mark away; without
 * `overlap` a new mark replaces those it touches.
 */
export function labelled(
  marks: readonly Mark[],
  text: string,
  range: Range,
  label: string,
  overlap: boolean,
): readonly Mark[] {
  const clean = snap(text, range);
  if (clean === null) return marks;
  const same = (each: Mark): boolean =>
    each.start === clean.start && each.end === clean.end && each.label === label;
  if (marks.some(same)) return marks.filter((each) => !same(each));
  const kept = overlap ? marks : marks.filter((each) => !touches(each, clean));
  return sorted([...kept, { ...clean, label }]);
}

/** The marks without the one to remove at this range: the innermost of those that touch it. */
export function unlabelled(marks: readonly Mark[], range: Range): readonly Mark[] {
  const there = marks.filter((each) => touches(each, range));
  const inner = there.reduce<Mark | null>(
    (best, each) => (best === null || length(each) <= length(best) ? each : best),
    null,
  );
  return marks.filter((each) => each !== inner);
}

/** A stretch over which the same marks and the same selection hold. */
export interface Piece extends Range {
  readonly marks: readonly Mark[];
  readonly selected: boolean;
}

/** The text cut at every end of a mark and of the selection. */
export function pieces(
  length: number,
  marks: readonly Mark[],
  selection: Range | null,
): readonly Piece[] {
  const cuts = new Set([0, length]);
  for (const { start, end } of selection ? [...marks, selection] : marks) {
    cuts.add(start);
    cuts.add(end);
  }
  const places = [...cuts].sort((a, b) => a - b);
  return places.slice(0, -1).map((start, at) => {
    const end = places[at + 1] ?? length;
    return {
      start,
      end,
      marks: marks.filter((each) => each.start <= start && each.end >= end),
      selected: selection !== null && selection.start <= start && selection.end >= end,
    };
  });
}

function touches(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}

function length({ start, end }: Range): number {
  return end - start;
}

function sorted(marks: readonly Mark[]): readonly Mark[] {
  const order = [...marks].sort(
    (a, b) => a.start - b.start || a.end - b.end || (a.label < b.label ? -1 : 1),
  );
  return order.filter((each, at) => {
    const last = order[at - 1];
    return !last || last.start !== each.start || last.end !== each.end || last.label !== each.label;
  });
}
