/**
 * Places in a text. JavaScript counts UTF-16 units, Python and the wire count code points, people
 * count characters and words: here they are turned into each other. Pure.
 */

/** Offsets of one text in both countings. */
export class Offsets {
  /** For every code point its first UTF-16 unit, and the text's length behind the last. */
  private readonly units: readonly number[];

  constructor(text: string) {
    const units: number[] = [];
    let unit = 0;
    for (const character of text) {
      units.push(unit);
      unit += character.length;
    }
    units.push(unit);
    this.units = units;
  }

  /** Length of the text in code points. */
  get length(): number {
    return this.units.length - 1;
  }

  /** UTF-16 offset of a code point offset; outside the text: its nearest end. */
  toUnits(points: number): number {
    const at = Math.min(Math.max(points, 0), this.length);
    return this.units[at] ?? 0;
  }

  /** Code point offset of a UTF-16 offset; inside a surrogate pair: the pair's beginning. */
  toPoints(units: number): number {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.units[middle] ?? 0) <= units) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** A stretch of a text, in UTF-16 units. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** The words and other visible pieces of a text; white space belongs to none. */
export function tokens(text: string): readonly Range[] {
  const found: Range[] = [];
  for (const { segment, index } of new Intl.Segmenter(undefined, { granularity: "word" }).segment(
    text,
  )) {
    if (segment.trim() !== "") found.push({ start: index, end: index + segment.length });
  }
  return found;
}

/** The range without white space at its ends and with no character cut; null if nothing is left. */
export function snap(text: string, range: Range): Range | null {
  const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(text);
  let start = Infinity;
  let end = -Infinity;
  for (const { segment, index } of graphemes) {
    if (index >= range.end) break;
    if (index + segment.length <= range.start || segment.trim() === "") continue;
    start = Math.min(start, index);
    end = index + segment.length;
  }
  return start < end ? { start, end } : null;
}

/** Number of code points, as the server counts a text's length. */
export function points(text: string): number {
  let count = 0;
  for (const character of text) count += character ? 1 : 0;
  return count;
}
