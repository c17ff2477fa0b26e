/** Any number of labels: digits toggle, Enter submits. */

import type { JSX } from "preact";
import { MOST_DIGITS } from "../answers";
import { useKeys } from "../context";
import { Key } from "../parts";
import type { Answer, MultiChoiceQuestion } from "../wire";
import type { FormProps } from "./props";

export function MultiChoice(props: FormProps<MultiChoiceQuestion>): JSX.Element {
  const { question } = props;
  const chosen = chosenIn(props.answer);
  const before = props.previous === null ? null : chosenIn(props.previous);

  const toggle = (id: string): void => {
    const next = new Set(chosen);
    if (!next.delete(id)) next.add(id);
    // The wire wants the question's order.
    props.onChange({
      labels: question.labels.map((each) => each.id).filter((each) => next.has(each)),
    });
  };

  useKeys(props.active, (key) => {
    const label = /^[1-9]$/.test(key) ? question.labels[Number(key) - 1] : undefined;
    if (label === undefined) return false;
    toggle(label.id);
    return true;
  });

  return (
    <div class="answers">
      {question.labels.map((label, at) => (
        <label key={label.id} class="answer">
          <input
            type="checkbox"
            checked={chosen.has(label.id)}
            onChange={() => toggle(label.id)}
            aria-keyshortcuts={at < MOST_DIGITS ? String(at + 1) : undefined}
          />
          {at < MOST_DIGITS && <Key>{String(at + 1)}</Key>}
          <span class="label" dir="auto">
            <span class="name">{label.name}</span>
            {label.description !== "" && <span class="description">{label.description}</span>}
            {before?.has(label.id) && <span class="before">chosen before</span>}
          </span>
        </label>
      ))}
      <p class="quiet">{limits(question, chosen.size)}</p>
    </div>
  );
}

function chosenIn(answer: Answer | null): ReadonlySet<string> {
  return new Set(answer !== null && "labels" in answer ? answer.labels : []);
}

function limits({ least, most }: MultiChoiceQuestion, chosen: number): string {
  const range =
    most !== null && least > 0
      ? `Choose ${least} to ${most}`
      : most !== null
        ? `Choose up to ${most}`
        : least > 0
          ? `Choose at least ${least}`
          : "Choose any number, or none";
  return chosen === 0 ? range : `${range} · ${chosen} chosen`;
}
