/**
 * What was begun on an item and not submitted: it stays with its item, wherever that goes, and
 * survives a reload of the tab.
 */

import { initial } from "./answers";
import type { Answer, Answers, Question, Request } from "./wire";

export interface Draft {
  readonly request: string;
  /** By question name; null: nothing chosen yet. */
  readonly answers: Readonly<Record<string, Answer | null>>;
  /** What was answered before it was undone. */
  readonly previous: Answers | null;
  readonly note: string;
  /** What is wrong with the item, not sent yet. */
  readonly flag: string;
  /** Index of the question that has the keys. */
  readonly active: number;
  /** Seconds looked at the item before now. */
  readonly seconds: number;
  /** A person has begun something here that must not get lost. */
  readonly touched: boolean;
  readonly flagged: boolean;
}

export function begin(questions: readonly Question[], request: Request): Draft {
  return {
    request: request.id,
    answers: Object.fromEntries(questions.map((each) => [each.name, initial(each, request.item)])),
    previous: null,
    note: "",
    flag: "",
    active: 0,
    seconds: 0,
    touched: false,
    flagged: false,
  };
}

/** A draft of an item that was answered before: the answers stand in the form again. */
export function reopen(questions: readonly Question[], request: Request, previous: Answers): Draft {
  const draft = begin(questions, request);
  return { ...draft, answers: { ...draft.answers, ...previous }, previous };
}

const KEY = "signoff.drafts";
const MOST_KEPT = 50;

/** Drafts of the items not on the screen. */
export class Drafts {
  private readonly storage: Pick<Storage, "getItem" | "setItem"> | null;
  private kept: Map<string, Draft>;

  constructor(storage: Pick<Storage, "getItem" | "setItem"> | null) {
    this.storage = storage;
    this.kept = new Map(read(storage).map((each) => [each.request, each]));
  }

  get(request: string): Draft | null {
    return this.kept.get(request) ?? null;
  }

  keep(draft: Draft): void {
    this.kept.delete(draft.request);
    this.kept.set(draft.request, draft);
    this.write();
  }

  drop(request: string): void {
    if (this.kept.delete(request)) this.write();
  }

  private write(): void {
    const latest = [...this.kept.values()].slice(-MOST_KEPT);
    this.kept = new Map(latest.map((each) => [each.request, each]));
    try {
      this.storage?.setItem(KEY, JSON.stringify(latest));
    } catch {
      // No room: the drafts still live as long as the page.
    }
  }
}

function read(storage: Pick<Storage, "getItem"> | null): readonly Draft[] {
  try {
    const value: unknown = JSON.parse(storage?.getItem(KEY) ?? "[]");
    return Array.isArray(value) ? (value as Draft[]) : [];
  } catch {
    return [];
  }
}
