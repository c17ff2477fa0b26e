import { describe, expect, it } from "vitest";
import {
  cannotSayKey,
  initial,
  missing,
  otherFields,
  revealKey,
  spoken,
  textToCorrect,
} from "../src/answers";
import type { Item, Question } from "../src/wire";

const base = { name: "answer", version: 1, text: "What?" };
const labels = ["x", "y", "z"].map((id) => ({ id, name: id.toUpperCase(), description: "" }));
const choice: Question = { ...base, kind: "choice", labels };
const several: Question = { ...base, kind: "multichoice", labels, least: 1, most: 2 };
const rating: Question = {
  ...base,
  kind: "rating",
  low: 1,
  high: 5,
  step: 1,
  low_name: "",
  high_name: "",
};
const text: Question = { ...base, kind: "text", field: "draft", longest: 5 };
const write: Question = { ...text, field: null };
const spans: Question = { ...base, kind: "spans", labels, overlap: true };
const pairwise: Question = { ...base, kind: "pairwise", a: "left", b: "right" };
const ALL = [choice, several, rating, text, write, spans, pairwise];
const item: Item = {
  key: "1",
  text: "shown",
  kind: "text",
  fields: { draft: "teh", left: "l", right: "r", n: 3 },
};

it.each(ALL)("$kind takes 'cannot say'", (question) => {
  expect(missing(question, { cannot_say: true })).toBeNull();
});

describe("what is missing", () => {
  it("is an answer where nothing is chosen", () => {
    for (const question of [choice, rating, pairwise]) {
      expect(missing(question, initial(question, item))).toBe("Still open: What?");
    }
  });

  it("is a label, or one fewer, where a question limits their number", () => {
    expect(missing(several, { labels: [] })).toBe("Choose at least 1.");
    expect(missing(several, { labels: ["x", "y"] })).toBeNull();
    expect(missing(several, { labels: ["x", "y", "z"] })).toBe("Choose at most 2; 3 are chosen.");
  });

  it("is a text, and not too long a one, in code points", () => {
    expect(missing(write, { text: "  " })).toMatch(/Write something/);
    expect(missing(text, { text: "" })).toMatch(/Write something/);
    expect(missing(text, { text: "👍👍👍👍👍" })).toBeNull();
    expect(missing(text, { text: "123456" })).toBe("6 characters are more than the 5 allowed.");
  });

  it("is nothing where nothing marked is an answer", () => {
    expect(missing(spans, initial(spans, item))).toBeNull();
  });
});

it("a text to correct stands in the form, a new one is empty", () => {
  expect(initial(text, item)).toEqual({ text: "teh" });
  expect(initial(write, item)).toEqual({ text: "" });
  expect(textToCorrect("text", item)).toBe("shown");
});

it("'cannot say' leaves the digit 0 to scales that need it", () => {
  expect(ALL.map(cannotSayKey)).toEqual(["0", "0", "0", "0", "0", "0", "0"]);
  expect(cannotSayKey({ ...rating, low: 0 } as Question)).toBe("-");
  expect(cannotSayKey({ ...rating, high: 10 } as Question)).toBe("-");
});

it("showing a covered item leaves the key B to comparisons", () => {
  expect([revealKey([choice]), revealKey([choice, pairwise])]).toEqual(["b", "v"]);
});

it("an answer reads as people would say it", () => {
  expect(spoken(choice, { label: "x" })).toBe("X");
  expect(spoken(undefined, { label: "gone" })).toBe("gone");
  expect(spoken(several, { labels: [] })).toBe("none of them");
  expect(spoken(several, { labels: ["x", "z"] })).toBe("X, Z");
  expect(spoken(spans, { spans: [{ start: 0, end: 1, label: "x" }] })).toBe("1 span");
  expect(spoken(pairwise, { preferred: "both_bad" })).toBe("both bad");
  expect(spoken(rating, { cannot_say: true })).toBe("cannot say");
});

it("fields a question shows itself do not stand beside the item again", () => {
  expect(otherFields([pairwise], item).map(([name]) => name)).toEqual(["draft", "n"]);
  expect(otherFields([text], item).map(([name]) => name)).toEqual(["left", "right", "n"]);
});
