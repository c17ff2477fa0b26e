/** One of up to nine labels: a digit decides. */

import type { JSX } from "preact";
import { MOST_DIGITS } from "../answers";
import { useKeys } from "../context";
import { lazily } from "../lazily";
import { Key, keepFocus } from "../parts";
import type { Answer, ChoiceQuestion, Label } from "../wire";
import type { FormProps } from "./props";

const Search = lazily(() => import("./search").then((module) => module.Search));

/** Loads what a choice with this many labels needs. */
export function preloadChoice(question: ChoiceQuestion): Promise<void> {
  return question.labels.length > MOST_DIGITS ? Search.preload() : Promise.resolve();
}

export function Choice(props: FormProps<ChoiceQuestion>): JSX.Element {
  if (props.question.labels.length > MOST_DIGITS) return <Search {...props} />;
  return <Buttons {...props} />;
}

function Buttons(props: FormProps<ChoiceQuestion>): JSX.Element {
  const { question, onDecide } = props;
  useKeys(props.active, (key) => {
    const label = /^[1-9]$/.test(key) ? question.labels[Number(key) - 1] : undefined;
    if (label === undefined) return false;
    onDecide({ label: label.id });
    return true;
  });
  return (
    <div class="answers">
      {question.labels.map((label, at) => (
        <LabelButton
          key={label.id}
          label={label}
          digit={String(at + 1)}
          chosen={isChosen(props.answer, label)}
          before={isChosen(props.previous, label)}
          onClick={() => onDecide({ label: label.id })}
        />
      ))}
    </div>
  );
}

interface LabelButtonProps {
  readonly label: Label;
  readonly digit: string;
  readonly chosen: boolean;
  readonly before: boolean;
  readonly onClick: () => void;
}

function LabelButton(props: LabelButtonProps): JSX.Element {
  const { label, digit } = props;
  return (
    <button
      type="button"
      class="answer"
      aria-keyshortcuts={digit}
      aria-pressed={props.chosen}
      onMouseDown={keepFocus}
      onClick={props.onClick}
    >
      <Key>{digit}</Key>
      <span class="label" dir="auto">
        <span class="name">{label.name}</span>
        {label.description !== "" && <span class="description">{label.description}</span>}
        {props.before && <span class="before">your answer before</span>}
      </span>
    </button>
  );
}

function isChosen(answer: Answer | null, label: Label): boolean {
  return answer !== null && "label" in answer && answer.label === label.id;
}
