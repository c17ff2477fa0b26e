/** Brings one sending to the server and says what became of it. */

import { type Api, Problem, Unreachable } from "./api";
import type { Outcome, Sending } from "./outbox";
import type { Answer, Answers, Receipt } from "./wire";

export interface Heard {
  /** The server has the answer. */
  receipt(sending: Sending, receipt: Receipt): void;
  /** The server had another answer under the same id, and keeps that one. */
  differs(sending: Sending, first: Answers | Answer | null): void;
  /** The server has a comment. */
  said(): void;
  /** Whether anything came back. */
  reached(yes: boolean): void;
  signedOut(): void;
}

const TRY_AGAIN = new Set([401, 408, 425, 429]);

/** Seconds between tries while nobody is signed in. */
const SIGNED_OUT_WAIT = 20;

export async function deliver(api: Api, sending: Sending, heard: Heard): Promise<Outcome> {
  try {
    await call(api, sending, heard);
    heard.reached(true);
    return { kind: "sent" };
  } catch (error) {
    if (error instanceof Unreachable) {
      heard.reached(false);
      return { kind: "later", afterSeconds: null };
    }
    if (!(error instanceof Problem)) throw error;
    heard.reached(true);
    return afterProblem(error, sending, heard);
  }
}

async function call(api: Api, sending: Sending, heard: Heard): Promise<void> {
  const { project, request, what } = sending;
  switch (what.kind) {
    case "review":
      heard.receipt(sending, await api.answer(project, sending.id, what.body));
      return;
    case "skip":
      return api.skip(project, request, what.reason ?? null, what.forGood ?? false);
    case "comment":
      await api.comment(project, request, sending.id, what.text);
      heard.said();
      return;
    case "flag":
      return api.flag(project, request, what.note);
  }
}

function afterProblem(problem: Problem, sending: Sending, heard: Heard): Outcome {
  if (problem.status === 401) {
    heard.signedOut();
    return { kind: "later", afterSeconds: SIGNED_OUT_WAIT };
  }
  if (problem.status >= 500 || TRY_AGAIN.has(problem.status)) {
    return { kind: "later", afterSeconds: problem.retryAfter };
  }
  if (problem.code === "other_answer") {
    heard.differs(sending, problem.body.first ?? null);
    return { kind: "sent" };
  }
  // Somebody else finished with the item: nothing is lost by not skipping it.
  if (sending.what.kind === "skip") return { kind: "sent" };
  return { kind: "refused", why: [problem.message, problem.hint].filter(Boolean).join(" ") };
}
