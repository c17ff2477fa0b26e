/** Which form shows which kind of question. Choice is always here; the others load when needed. */

import type { JSX } from "preact";
import { Markdown } from "../items/views";
import { lazily } from "../lazily";
import { isOneKey } from "../scale";
import type { Item, Project, Question } from "../wire";
import { Choice, preloadChoice } from "./choice";
import type { FormProps } from "./props";

const MultiChoice = lazily(() => import("./multichoice").then((module) => module.MultiChoice));
const Pairwise = lazily(() => import("./pairwise").then((module) => module.Pairwise));
const Rating = lazily(() => import("./rating").then((module) => module.Rating));
const Spans = lazily(() => import("./spans").then((module) => module.Spans));
const Text = lazily(() => import("./text").then((module) => module.Text));

export const HintView = lazily(() => import("../hints").then((module) => module.HintView));
export const HintDialog = lazily(() => import("../hints").then((module) => module.HintDialog));
export const MarkedText = lazily(() => import("./spans").then((module) => module.MarkedText));
export const Pair = lazily(() => import("../items/pair").then((module) => module.Pair));

export function Form({ question, ...rest }: FormProps): JSX.Element {
  switch (question.kind) {
    case "choice":
      return <Choice question={question} {...rest} />;
    case "multichoice":
      return <MultiChoice question={question} {...rest} />;
    case "rating":
      return <Rating question={question} {...rest} />;
    case "text":
      return <Text question={question} {...rest} />;
    case "spans":
      return <Spans question={question} {...rest} />;
    case "pairwise":
      return <Pairwise question={question} {...rest} />;
  }
}

/** One key answers and submits. */
export function decidesAtOnce(question: Question): boolean {
  return (
    question.kind === "choice" ||
    question.kind === "pairwise" ||
    (question.kind === "rating" && isOneKey(question))
  );
}

/** Loads what a project's questions need, while its first items are on their way. */
export async function preload({ questions, guideline, hints }: Project): Promise<void> {
  const guided = guideline !== "" || questions.some((each) => each.guideline);
  await Promise.all([
    ...questions.map(preloadForm),
    guided ? Markdown.preload() : null,
    hints === "before" ? HintView.preload() : null,
  ]);
}

/** Loads what these items need, before one of them is on the screen. */
export function preloadItems(items: readonly Item[]): void {
  if (items.some((each) => each.kind === "markdown")) void Markdown.preload();
}

async function preloadForm(question: Question): Promise<void> {
  switch (question.kind) {
    case "choice":
      return preloadChoice(question);
    case "multichoice":
      return MultiChoice.preload();
    case "rating":
      return Rating.preload();
    case "text":
      return Text.preload();
    case "spans":
      await Promise.all([Spans.preload(), MarkedText.preload()]);
      return;
    case "pairwise":
      await Promise.all([Pairwise.preload(), Pair.preload()]);
      return;
  }
}
