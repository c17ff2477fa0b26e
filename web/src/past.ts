/** My last decisions, newest first: those the server knows and those it does not know yet. Pure. */

import type { Sending } from "./outbox";
import type { Answers, PastReview } from "./wire";

/**
 * "extra": somebody else answered first, mine is kept beside it. "differs": this id was stored with
 * another answer before, which stands.
 */
export type PastState = "saved" | "unsaved" | "extra" | "differs" | "refused";

export interface Past {
  readonly id: string;
  readonly request: string;
  readonly text: string;
  readonly answers: Answers;
  /** Milliseconds. */
  readonly at: number;
  readonly state: PastState;
  readonly undoable: boolean;
}

export const MOST_PAST = 50;

export function fromServer(review: PastReview): Past {
  const { id, request, answers, undoable } = review;
  const at = Date.parse(review.at);
  return { id, request, text: review.item.text, answers, at, state: "saved", undoable };
}

/** A review that has not left yet; null for anything else. */
export function fromSending(sending: Sending): Past | null {
  if (sending.what.kind !== "review") return null;
  const { id, request, shown, order, refused } = sending;
  return {
    id,
    request,
    text: shown,
    answers: sending.what.body.answers,
    at: order,
    state: refused === undefined ? "unsaved" : "refused",
    undoable: refused === undefined,
  };
}

/**
 * One list. The server's word counts, except for what has not arrived there yet and what arrived
 * while its list was on the way.
 */
export function mergePast(mine: readonly Past[], theirs: readonly Past[]): readonly Past[] {
  const newest = Math.max(-Infinity, ...theirs.map((each) => each.at));
  const known = new Set(theirs.map((each) => each.id));
  const kept = mine.filter(
    (each) => each.state !== "saved" || (each.at > newest && !known.has(each.id)),
  );
  const local = new Set(kept.map((each) => each.id));
  return [...kept, ...theirs.filter((each) => !local.has(each.id))]
    .sort((a, b) => b.at - a.at)
    .slice(0, MOST_PAST);
}

/** The list with what the outbox keeps of this project: new decisions, and what was refused. */
export function withKept(
  past: readonly Past[],
  kept: readonly Sending[],
  project: string,
): readonly Past[] {
  const mine = kept.filter((each) => each.project === project);
  const known = new Set(past.map((each) => each.id));
  const found = mine
    .filter((each) => !known.has(each.id))
    .flatMap((each) => fromSending(each) ?? []);
  const refused = new Set(mine.flatMap((each) => (each.refused === undefined ? [] : [each.id])));
  const told = past.map((each) =>
    // A decision that stays as it is keeps its identity: it is not drawn again.
    refused.has(each.id) && each.state !== "refused"
      ? { ...each, state: "refused" as const, undoable: false }
      : each,
  );
  return [...found, ...told].sort((a, b) => b.at - a.at).slice(0, MOST_PAST);
}

/** The newest decision that may still be taken back. */
export function lastUndoable(past: readonly Past[]): Past | null {
  return past.find((each) => each.undoable) ?? null;
}

export function changed(
  past: readonly Past[],
  id: string,
  change: Partial<Pick<Past, "state" | "undoable">>,
): readonly Past[] {
  return past.map((each) => (each.id === id ? { ...each, ...change } : each));
}
