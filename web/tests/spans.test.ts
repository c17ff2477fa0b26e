import { describe, expect, it } from "vitest";
import { Offsets, tokens } from "../src/segments";
import {
  cursorOver,
  labelled,
  type Mark,
  moved,
  pieces,
  selected,
  toMarks,
  toSpans,
  unlabelled,
} from "../src/spans";

const TEXT = "Ann 👋🏽 met Ben in Oslo";
const WORDS = tokens(TEXT);
const word = (n: number): string => TEXT.slice(WORDS[n]?.start, WORDS[n]?.end);
const mark = (start: number, end: number, label = "p"): Mark => ({ start, end, label });

describe("a cursor", () => {
  it("moves word by word and stays in the text", () => {
    const first = moved(null, 1, WORDS.length, false);
    expect(first).toEqual({ anchor: 0, head: 0 });
    const back = moved(first, -1, WORDS.length, false);
    expect(back).toEqual({ anchor: 0, head: 0 });
    expect(moved(null, -1, WORDS.length, false)?.head).toBe(WORDS.length - 1);
    expect(moved(null, 1, 0, false)).toBeNull();
  });

  it("grows a selection from where it began, in both directions", () => {
    const at = { anchor: 2, head: 2 };
    const right = moved(at, 1, WORDS.length, true);
    const left = moved(moved(right, -1, WORDS.length, true), -1, WORDS.length, true);
    expect(right).toEqual({ anchor: 2, head: 3 });
    expect(left).toEqual({ anchor: 2, head: 1 });
    const range = selected(left, WORDS);
    expect(TEXT.slice(range?.start, range?.end)).toBe(`${word(1)} ${word(2)}`);
  });

  it("lies over the words the mouse touched", () => {
    const ben = TEXT.indexOf("Ben");
    expect(cursorOver({ start: ben + 1, end: ben + 5 }, WORDS)).toEqual({ anchor: 3, head: 4 });
    expect(cursorOver({ start: TEXT.length, end: TEXT.length + 1 }, WORDS)).toBeNull();
  });
});

describe("labelling", () => {
  it("marks the selection in code points on the wire, whatever emoji stand before it", () => {
    const ben = TEXT.indexOf("Ben");
    const marks = labelled([], TEXT, { start: ben, end: ben + 4 }, "person", true);
    const spans = toSpans(marks, new Offsets(TEXT));
    expect(spans).toEqual([{ start: 11, end: 14, label: "person" }]);
    expect(Array.from(TEXT).slice(11, 14).join("")).toBe("Ben");
    expect(toMarks(spans, new Offsets(TEXT))).toEqual(marks);
  });

  it("again with the same label takes the mark away", () => {
    const once = labelled([], TEXT, { start: 0, end: 3 }, "p", true);
    expect(labelled(once, TEXT, { start: 0, end: 3 }, "p", true)).toEqual([]);
  });

  it("lets marks overlap, or replaces those it touches", () => {
    const before = [mark(0, 7), mark(15, 18)];
    expect(labelled(before, TEXT, { start: 4, end: 12 }, "q", true)).toHaveLength(3);
    expect(labelled(before, TEXT, { start: 4, end: 12 }, "q", false)).toEqual([
      mark(4, 12, "q"),
      mark(15, 18),
    ]);
  });

  it("keeps marks sorted and unique", () => {
    const spans = toSpans(
      [mark(4, 6), mark(0, 3, "q"), mark(0, 3), mark(4, 6)],
      new Offsets("abcdefg"),
    );
    expect(spans).toEqual([mark(0, 3), mark(0, 3, "q"), mark(4, 6)]);
  });

  it("ignores a selection of nothing but white space", () => {
    expect(labelled([], "a   b", { start: 1, end: 4 }, "p", true)).toEqual([]);
  });
});

it("Backspace removes the innermost mark at the cursor and no other", () => {
  const outer = mark(0, 18);
  const inner = mark(8, 11, "q");
  const elsewhere = mark(20, 22);
  const marks = [outer, inner, elsewhere];
  expect(unlabelled(marks, { start: 9, end: 10 })).toEqual([outer, elsewhere]);
  expect(unlabelled([outer, elsewhere], { start: 9, end: 10 })).toEqual([elsewhere]);
  expect(unlabelled(marks, { start: 19, end: 20 })).toEqual(marks);
});

it("pieces cover the text once, in order, each with all of its marks", () => {
  const marks = [mark(2, 6), mark(4, 8, "q")];
  const found = pieces(10, marks, { start: 5, end: 9 });
  expect(found.map(({ start, end }) => [start, end])).toEqual([
    [0, 2],
    [2, 4],
    [4, 5],
    [5, 6],
    [6, 8],
    [8, 9],
    [9, 10],
  ]);
  expect(found.map((each) => each.marks.map(({ label }) => label).join(""))).toEqual([
    "",
    "p",
    "pq",
    "pq",
    "q",
    "",
    "",
  ]);
  expect(found.filter((each) => each.selected).map(({ start }) => start)).toEqual([5, 6, 8]);
  expect(pieces(0, [], null)).toEqual([]);
});
