/** The values of a rating and how keys move over them. Pure. */

import type { RatingQuestion } from "./wire";

type Scale = Pick<RatingQuestion, "low" | "high" | "step">;

const MOST_BUTTONS = 11;

/** Every value, lowest first, free of the dust of repeated addition (0.1 + 0.2). */
export function values({ low, high, step }: Scale): readonly number[] {
  const count = Math.floor((high - low) / step + 1e-9) + 1;
  const decimals = Math.max(decimalsOf(low), decimalsOf(step));
  return Array.from({ length: count }, (_, at) => Number((low + at * step).toFixed(decimals)));
}

/** Few enough values for a button each. */
export function hasButtons(scale: Scale): boolean {
  return (scale.high - scale.low) / scale.step + 1 <= MOST_BUTTONS;
}

/** Every value is one digit, so that one key decides. */
export function isOneKey(scale: Scale): boolean {
  return hasButtons(scale) && values(scale).every((each) => /^[0-9]$/.test(String(each)));
}

/** The value one step up or down; from nothing: the middle. */
export function moved(scale: Scale, value: number | null, steps: number): number {
  const all = values(scale);
  const last = all.length - 1;
  const at = value === null ? -1 : nearest(all, value);
  const next = at === -1 ? Math.floor(last / 2) : Math.min(last, Math.max(0, at + steps));
  return all[next] ?? scale.low;
}

/**
 * Digits typed so far and the value they name: "8", then "5" is 85. Digits that lead nowhere start
 * again with the last one.
 */
export function typed(
  scale: Scale,
  before: string,
  digit: string,
): { readonly digits: string; readonly value: number | null } {
  const all = values(scale);
  const names = all.map(String);
  for (const digits of [before + digit, digit]) {
    if (names.some((name) => name.startsWith(digits))) {
      const value = names.indexOf(digits);
      return { digits, value: value === -1 ? null : (all[value] ?? null) };
    }
  }
  return { digits: "", value: null };
}

function nearest(all: readonly number[], value: number): number {
  let best = 0;
  all.forEach((each, at) => {
    if (Math.abs(each - value) < Math.abs((all[best] ?? 0) - value)) best = at;
  });
  return best;
}

function decimalsOf(value: number): number {
  return (String(value).split(".")[1] ?? "").length;
}
