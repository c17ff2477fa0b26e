/** A value on a scale: a digit decides where every value is one, else arrows or digits and Enter. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId, useLayoutEffect } from "preact/hooks";
import { titleOf } from "../answers";
import { useKeys } from "../context";
import { Key, keepFocus } from "../parts";
import { hasButtons, isOneKey, moved, typed, values } from "../scale";
import type { Answer, RatingQuestion } from "../wire";
import type { FormProps } from "./props";

const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
};

/** Digits that belong to one number are typed within this time. */
const ONE_NUMBER_MS = 1200;

export function Rating(props: FormProps<RatingQuestion>): JSX.Element {
  const { question, onChange, onDecide } = props;
  const value = valueOf(props.answer);
  const digits = useSignal({ typed: "", at: 0 });
  const oneKey = isOneKey(question);

  useLayoutEffect(() => {
    digits.value = { typed: "", at: 0 };
  }, [props.request]);

  useKeys(props.active, (key) => {
    const by = STEPS[key];
    if (by !== undefined) {
      onChange({ value: moved(question, value, by) });
      return true;
    }
    if (!/^[0-9]$/.test(key)) return false;
    if (oneKey) {
      if (!values(question).includes(Number(key))) return false;
      onDecide({ value: Number(key) });
      return true;
    }
    const now = performance.now();
    const before = now - digits.value.at < ONE_NUMBER_MS ? digits.value.typed : "";
    const result = typed(question, before, key);
    if (result.digits === "") return false;
    digits.value = { typed: result.digits, at: now };
    if (result.value !== null) onChange({ value: result.value });
    return true;
  });

  const before = valueOf(props.previous);
  return (
    <div class="answers">
      {hasButtons(question) ? (
        <Points {...props} value={value} before={before} oneKey={oneKey} />
      ) : (
        <Slider {...props} value={value} />
      )}
      <p class="ends">
        <span dir="auto">{question.low_name}</span>
        <span dir="auto">{question.high_name}</span>
      </p>
      {before !== null && <p class="before">your answer before: {before}</p>}
      <p class="quiet">
        {oneKey ? "A digit decides; " : "Type a number, or "}
        <Key>←</Key> <Key>→</Key> choose
      </p>
    </div>
  );
}

interface PointsProps extends FormProps<RatingQuestion> {
  readonly value: number | null;
  readonly before: number | null;
  readonly oneKey: boolean;
}

function Points(props: PointsProps): JSX.Element {
  const { question, value, oneKey } = props;
  return (
    <div class="points">
      {values(question).map((each) => (
        <button
          key={each}
          type="button"
          class={each === props.before ? "point was" : "point"}
          aria-pressed={each === value}
          aria-keyshortcuts={oneKey ? String(each) : undefined}
          onMouseDown={keepFocus}
          onClick={() =>
            oneKey ? props.onDecide({ value: each }) : props.onChange({ value: each })
          }
        >
          {each}
        </button>
      ))}
    </div>
  );
}

interface SliderProps extends FormProps<RatingQuestion> {
  readonly value: number | null;
}

function Slider({ question, value, onChange }: SliderProps): JSX.Element {
  const id = useId();
  return (
    <div class="slider">
      <output for={id} class={value === null ? "empty" : undefined}>
        {value ?? "–"}
      </output>
      <input
        id={id}
        type="range"
        aria-label={titleOf(question)}
        aria-valuetext={value === null ? "nothing chosen" : String(value)}
        min={question.low}
        max={question.high}
        step={question.step}
        value={value ?? moved(question, null, 0)}
        onInput={(event) => onChange({ value: Number(event.currentTarget.value) })}
      />
    </div>
  );
}

function valueOf(answer: Answer | null): number | null {
  return answer !== null && "value" in answer ? answer.value : null;
}
