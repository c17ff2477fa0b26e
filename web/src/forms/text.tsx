/** A text to correct or to write: the changes show below while one types. */

import type { JSX } from "preact";
import { useEffect, useId, useMemo, useRef } from "preact/hooks";
import { textToCorrect } from "../answers";
import { useKeys } from "../context";
import { wordDiff } from "../diff";
import { Key } from "../parts";
import { points } from "../segments";
import type { TextQuestion } from "../wire";
import type { FormProps } from "./props";

export function Text(props: FormProps<TextQuestion>): JSX.Element {
  const { question, item, onChange, onSubmit } = props;
  const id = useId();
  const area = useRef<HTMLTextAreaElement>(null);
  const original = textToCorrect(question.field, item);
  const answer = props.answer !== null && "text" in props.answer ? props.answer.text : original;
  const length = points(answer);

  useEffect(() => {
    // Something new is written at once; a text to correct is read first.
    const writes = question.field === null && matchMedia("(pointer: fine)").matches;
    if (props.active && writes) area.current?.focus({ preventScroll: true });
  }, [props.request, props.active]);

  useKeys(props.active, (key) => {
    if (key !== "e") return false;
    area.current?.focus();
    return true;
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.repeat) {
      // The draft is what stands in the field, also if an input event is still on its way.
      onChange({ text: area.current?.value ?? answer });
      onSubmit();
    } else if (event.key === "Escape") area.current?.blur();
    else return;
    event.preventDefault();
  };

  return (
    <div class="answers">
      <label class="field-name" for={id}>
        <span>{question.field === null ? "Your text" : "Correct the text"}</span> <Key>E</Key>
      </label>
      <textarea
        ref={area}
        id={id}
        class="field writing"
        dir="auto"
        rows={Math.min(14, Math.max(5, Math.ceil(answer.length / 38) + 1))}
        value={answer}
        onInput={(event) => onChange({ text: event.currentTarget.value })}
        onKeyDown={onKeyDown}
      />
      <p class={length > question.longest ? "limit over" : "limit"}>
        {length} of {question.longest} characters
      </p>
      {question.field !== null && <Changes before={original} after={answer} />}
      <p class="quiet">
        <Key>Ctrl ↵</Key> submits, <Key>Esc</Key> leaves the field
      </p>
    </div>
  );
}

function Changes({
  before,
  after,
}: {
  readonly before: string;
  readonly after: string;
}): JSX.Element {
  const changes = useMemo(() => wordDiff(before, after), [before, after]);
  if (before === after) return <p class="quiet">No changes yet: submitting says it is right.</p>;
  return (
    <div class="changes" dir="auto" role="group" aria-label="Changes">
      {changes.map((change, at) =>
        change.kind === "added" ? (
          <ins key={at}>{change.text}</ins>
        ) : change.kind === "removed" ? (
          <del key={at}>{change.text}</del>
        ) : (
          <span key={at}>{change.text}</span>
        ),
      )}
    </div>
  );
}
