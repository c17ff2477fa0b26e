/** Where the machine said otherwise than a person just answered. Pure. */

import { spoken } from "./answers";
import type { Sending } from "./outbox";
import type { Hint, Question } from "./wire";

/** One sentence; null where it said the same, or nothing. */
export function otherwise(
  questions: readonly Question[],
  sending: Sending,
  hint: Hint | null,
): string | null {
  if (hint === null || sending.what.kind !== "review") return null;
  const { answers } = sending.what.body;
  for (const question of questions) {
    const said = hint.machine[question.name];
    const mine = answers[question.name];
    if (said === undefined || mine === undefined || same(said.answer, mine)) continue;
    return `The machine said ${spoken(question, said.answer)} to that one. U takes your answer back.`;
  }
  return null;
}

/** Answers are small objects whose names come in one order. */
function same(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
