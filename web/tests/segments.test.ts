import { describe, expect, it } from "vitest";
import { Offsets, points, snap, tokens } from "../src/segments";

const FAMILY = "👨‍👩‍👧";

/** Texts that count differently in UTF-16 units, code points and characters. */
const TEXTS = ["plain", "", "a👍b", `x${FAMILY}y`, "e\u0301le\u0300ve", "שלום 👋 עולם", "🇩🇪🇫🇷"];

describe("offsets", () => {
  it.each(TEXTS)("turn code points into UTF-16 units and back: %j", (text) => {
    const offsets = new Offsets(text);
    const all = Array.from(text);
    expect(offsets.length).toBe(all.length);
    for (let at = 0; at <= all.length; at += 1) {
      const units = all.slice(0, at).join("").length;
      expect(offsets.toUnits(at)).toBe(units);
      expect(offsets.toPoints(units)).toBe(at);
    }
  });

  it("cut the same text as counting code points does", () => {
    const text = `Ann 👩🏽‍🔬 met ${FAMILY} in Zürich`;
    const start = text.indexOf("Zürich");
    const offsets = new Offsets(text);
    const [from, to] = [offsets.toPoints(start), offsets.toPoints(start + 6)];
    expect(Array.from(text).slice(from, to).join("")).toBe("Zürich");
  });

  it("stay inside the text and outside of pairs", () => {
    const offsets = new Offsets("a👍");
    expect([offsets.toUnits(-3), offsets.toUnits(99)]).toEqual([0, 3]);
    expect(offsets.toPoints(2)).toBe(1);
  });
});

describe("tokens", () => {
  it("are words and signs, without white space", () => {
    const text = "Marie  met José.";
    expect(tokens(text).map(({ start, end }) => text.slice(start, end))).toEqual([
      "Marie",
      "met",
      "José",
      ".",
    ]);
  });

  it("keep a character of several code points together", () => {
    const text = `a ${FAMILY} b`;
    expect(tokens(text).map(({ start, end }) => text.slice(start, end))).toContain(FAMILY);
  });

  it("are found where no spaces stand between words", () => {
    expect(tokens("私は学生です").length).toBeGreaterThan(1);
  });
});

describe("a snapped range", () => {
  it("has no white space at its ends", () => {
    expect(snap("a  bc  d", { start: 1, end: 7 })).toEqual({ start: 3, end: 5 });
  });

  it("cuts no character", () => {
    const text = `x${FAMILY}e\u0301`;
    expect(snap(text, { start: 3, end: 4 })).toEqual({ start: 1, end: 1 + FAMILY.length });
    expect(snap("e\u0301", { start: 1, end: 2 })).toEqual({ start: 0, end: 2 });
  });

  it("is nothing where only white space was selected", () => {
    expect(snap("a   b", { start: 1, end: 4 })).toBeNull();
    expect(snap("ab", { start: 1, end: 1 })).toBeNull();
  });
});

it("a text's length is counted in code points", () => {
  expect([points("abc"), points("👍👍"), points("")]).toEqual([3, 2, 0]);
});
