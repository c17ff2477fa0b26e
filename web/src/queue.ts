/** The requests this page holds: which are shown next, and when to lease more. Pure. */

import type { Request } from "./wire";

export const FEWEST_AHEAD = 10;
const MOST_AHEAD = 40;
const MINUTE_MS = 60_000;

/**
 * How many requests to hold for somebody who answered at these instants (ms): a minute's worth,
 * so that a fast reader is not stopped by a short outage and a slow one blocks nobody.
 */
export function ahead(answeredAt: readonly number[], now: number): number {
  const recent = answeredAt.filter((at) => now - at < MINUTE_MS).length;
  return Math.min(MOST_AHEAD, Math.max(FEWEST_AHEAD, recent));
}

/** How many to lease now; 0 while at least half of what should be held is there. */
export function wanted(held: number, target: number): number {
  return held < target / 2 ? target - held : 0;
}

/**
 * The requests held after a lease: the new ones behind, those lost to others gone. The first is on
 * the screen and stays, lost or not: nobody's item changes under their eyes.
 */
export function merge(
  held: readonly Request[],
  leased: readonly Request[],
  lost: readonly string[],
  answered: ReadonlySet<string>,
): readonly Request[] {
  const gone = new Set(lost);
  const kept = held.filter((each, at) => at === 0 || !gone.has(each.id));
  const known = new Set([...kept.map((each) => each.id), ...answered]);
  return [...kept, ...leased.filter((each) => !known.has(each.id))];
}

/** The request in front, wherever it was before. */
export function toFront(held: readonly Request[], request: Request): readonly Request[] {
  return [request, ...held.filter((each) => each.id !== request.id)];
}

/**
 * Milliseconds until the leases should be renewed: half of the shortest, between 5 and 60 seconds.
 * `skew` is how far the server's clock is ahead of ours.
 */
export function renewIn(held: readonly Request[], now: number, skew: number): number {
  const ends = held.map((each) => Date.parse(each.lease_until) - skew - now);
  const shortest = Math.min(MINUTE_MS * 2, ...ends.filter((each) => !Number.isNaN(each)));
  return Math.min(MINUTE_MS, Math.max(5_000, shortest / 2));
}
