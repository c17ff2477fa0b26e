import { describe, expect, it } from "vitest";
import { type Change, wordDiff } from "../src/diff";

const side = (changes: readonly Change[], not: Change["kind"]): string =>
  changes
    .filter((each) => each.kind !== not)
    .map((each) => each.text)
    .join("");

describe("a word diff", () => {
  it("says which words were replaced, removed and added", () => {
    expect(wordDiff("their at the the station", "they're at the station now")).toEqual([
      { kind: "removed", text: "their" },
      { kind: "added", text: "they're" },
      { kind: "same", text: " at the " },
      { kind: "removed", text: "the " },
      { kind: "same", text: "station" },
      { kind: "added", text: " now" },
    ]);
  });

  it("is nothing but the text where nothing changed", () => {
    expect(wordDiff("as it was", "as it was")).toEqual([{ kind: "same", text: "as it was" }]);
    expect(wordDiff("", "")).toEqual([]);
  });

  it("gives back both texts, whatever changed", () => {
    const words = ["a", "b", "ä", "👍", " ", "\n", ".", "x y"];
    let seed = 7;
    const next = (below: number): number => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed % below;
    };
    const text = (): string =>
      Array.from({ length: next(12) }, () => words[next(words.length)] ?? "").join("");
    for (let turn = 0; turn < 300; turn += 1) {
      const [before, after] = [text(), text()];
      const changes = wordDiff(before, after);
      expect(side(changes, "added")).toBe(before);
      expect(side(changes, "removed")).toBe(after);
    }
  });

  it("of two long unlike texts is one change, and still exact", () => {
    const before = "old word ".repeat(2000);
    const after = "new thing ".repeat(2000);
    const changes = wordDiff(before, after);
    expect(side(changes, "added")).toBe(before);
    expect(side(changes, "removed")).toBe(after);
  });
});
