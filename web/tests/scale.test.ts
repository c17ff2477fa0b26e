import { expect, it } from "vitest";
import { hasButtons, isOneKey, moved, typed, values } from "../src/scale";

const FIVE = { low: 1, high: 5, step: 1 };
const HUNDRED = { low: 0, high: 100, step: 1 };
const TENTHS = { low: 0, high: 0.5, step: 0.1 };

it("lists every value without the dust of addition", () => {
  expect(values(FIVE)).toEqual([1, 2, 3, 4, 5]);
  expect(values(TENTHS)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  expect(values({ low: -1, high: 1, step: 0.5 })).toEqual([-1, -0.5, 0, 0.5, 1]);
});

it("one key decides only where every value is one digit", () => {
  expect(isOneKey(FIVE)).toBe(true);
  expect(isOneKey({ low: 0, high: 9, step: 1 })).toBe(true);
  expect(isOneKey({ low: 0, high: 10, step: 1 })).toBe(false);
  expect(isOneKey(TENTHS)).toBe(false);
});

it("up to eleven values have buttons", () => {
  expect([hasButtons({ low: 0, high: 10, step: 1 }), hasButtons(HUNDRED)]).toEqual([true, false]);
});

it("arrows begin in the middle and stop at the ends", () => {
  expect(moved(FIVE, null, 1)).toBe(3);
  expect(moved(FIVE, 3, 1)).toBe(4);
  expect(moved(FIVE, 5, 1)).toBe(5);
  expect(moved(FIVE, 1, -1)).toBe(1);
  expect(moved(TENTHS, 0.2, 1)).toBe(0.3);
});

it("digits add up to a number", () => {
  const eight = typed(HUNDRED, "", "8");
  expect(eight).toEqual({ digits: "8", value: 8 });
  expect(typed(HUNDRED, eight.digits, "5")).toEqual({ digits: "85", value: 85 });
  expect(typed(HUNDRED, "10", "0")).toEqual({ digits: "100", value: 100 });
});

it("a digit that leads nowhere begins a new number, or none", () => {
  expect(typed(HUNDRED, "85", "4")).toEqual({ digits: "4", value: 4 });
  expect(typed(FIVE, "", "9")).toEqual({ digits: "", value: null });
});
