import { expect, it } from "vitest";
import { ranked } from "../src/filter";
import type { Label } from "../src/wire";

const labels = (...names: string[]): Label[] =>
  names.map((name) => ({ id: name, name, description: "" }));
const found = (typed: string, ...names: string[]): string[] =>
  ranked(labels(...names), typed).map((each) => each.name);

it("nothing typed shows every label in the question's order", () => {
  expect(found("  ", "b", "a")).toEqual(["b", "a"]);
});

it("the same comes first, then a beginning, a word's beginning, initials, inside, letters in order", () => {
  expect(
    found("car", "oscar", "c a r", "chain rate", "lost card", "card arrival", "car", "dog"),
  ).toEqual(["car", "card arrival", "lost card", "c a r", "oscar", "chain rate"]);
});

it("ties keep the question's order", () => {
  expect(found("to", "top up", "total", "toll")).toEqual(["top up", "total", "toll"]);
});

it("capitals and accents do not count", () => {
  expect(found("creme", "Crème brûlée")).toEqual(["Crème brûlée"]);
  expect(found("ÉCL", "eclair")).toEqual(["eclair"]);
});

it("an id finds its label, too", () => {
  const label = { id: "B-PER", name: "Person", description: "" };
  expect(ranked([label], "b-per")).toEqual([label]);
});

it("what matches nothing finds nothing", () => {
  expect(found("zzz", "a", "b")).toEqual([]);
});
