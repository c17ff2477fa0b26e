/** What may be answered to a question, and how an answer reads. Pure. */

import { points } from "./segments";
import { values } from "./scale";
import type {
  Answer,
  Answers,
  CannotSay,
  Item,
  Json,
  Label,
  Question,
  RatingQuestion,
} from "./wire";

export const CANNOT_SAY: CannotSay = { cannot_say: true };

/** Up to this many labels have a digit each; more are found by typing. */
export const MOST_DIGITS = 9;

/** A scale with zeros in its values needs that digit for itself. */
export function cannotSayKey(question: Question): string {
  return question.kind === "rating" && hasZero(question) ? "-" : "0";
}

const zeros = new WeakMap<RatingQuestion, boolean>();

/** Looked up once: a scale may have thousands of values. */
function hasZero(question: RatingQuestion): boolean {
  const known = zeros.get(question);
  if (known !== undefined) return known;
  const found = values(question).some((each) => String(each).includes("0"));
  zeros.set(question, found);
  return found;
}

/** What is asked; choices from before other kinds came may leave that to their labels. */
export function titleOf(question: Question): string {
  return question.text.trim() || "Which label fits?";
}

/** "B" means an answer where two texts are compared. */
export function revealKey(questions: readonly Question[]): string {
  return questions.some((each) => each.kind === "pairwise") ? "v" : "b";
}

/** The text a person corrects; empty where something new is written. */
export function textToCorrect(field: string | null, item: Item): string {
  if (field === null) return "";
  const value = item.fields[field];
  return value === undefined || value === null ? item.text : plain(value);
}

/** A value of a field as text. */
export function plain(value: Json): string {
  return typeof value === "string" ? value : (JSON.stringify(value, null, 2) ?? "");
}

/** What stands in the form before anybody touches it; null: nothing is chosen yet. */
export function initial(question: Question, item: Item): Answer | null {
  switch (question.kind) {
    case "multichoice":
      return { labels: [] };
    case "text":
      return { text: textToCorrect(question.field, item) };
    case "spans":
      return { spans: [] };
    case "choice":
    case "rating":
    case "pairwise":
      return null;
  }
}

/** Why this cannot be submitted yet, in a sentence; null: it can. */
export function missing(question: Question, answer: Answer | null): string | null {
  if (answer === null) return `Still open: ${titleOf(question)}`;
  if ("cannot_say" in answer) return null;
  if (question.kind === "multichoice" && "labels" in answer) {
    const count = answer.labels.length;
    if (count < question.least) return `Choose at least ${question.least}.`;
    if (question.most !== null && count > question.most) {
      return `Choose at most ${question.most}; ${count} are chosen.`;
    }
  }
  if (question.kind === "text" && "text" in answer) {
    if (answer.text.trim() === "") {
      return "Write something, or say that you cannot say.";
    }
    const length = points(answer.text);
    if (length > question.longest) {
      return `${length} characters are more than the ${question.longest} allowed.`;
    }
  }
  return null;
}

/** An answer in a few words. */
export function spoken(question: Question | undefined, answer: Answer): string {
  if ("cannot_say" in answer) return "cannot say";
  if ("label" in answer) return nameOf(question, answer.label);
  if ("labels" in answer) {
    return answer.labels.map((id) => nameOf(question, id)).join(", ") || "none of them";
  }
  if ("value" in answer) return String(answer.value);
  if ("text" in answer) return answer.text.slice(0, 60) || "(empty)";
  if ("spans" in answer) {
    const count = answer.spans.length;
    return count === 0 ? "nothing marked" : count === 1 ? "1 span" : `${count} spans`;
  }
  return PREFERENCES[answer.preferred];
}

const PREFERENCES = { a: "A is better", b: "B is better", tie: "tie", both_bad: "both bad" };

/** All answers to one item in a few words. */
export function spokenAll(questions: readonly Question[], answers: Answers): string {
  return Object.entries(answers)
    .map(([name, answer]) =>
      spoken(
        questions.find((each) => each.name === name),
        answer,
      ),
    )
    .join(" · ");
}

function nameOf(question: Question | undefined, id: string): string {
  const labels: readonly Label[] = question && "labels" in question ? question.labels : [];
  return labels.find((each) => each.id === id)?.name ?? id;
}

/** The fields worth showing beside the item: not those that a question shows itself. */
export function otherFields(
  questions: readonly Question[],
  item: Item,
): readonly (readonly [string, Json])[] {
  const shown = new Set(
    questions.flatMap((each) =>
      each.kind === "pairwise" ? [each.a, each.b] : each.kind === "text" ? [each.field] : [],
    ),
  );
  return Object.entries(item.fields).filter(([name]) => !shown.has(name));
}
