/** One of many labels: type a few letters, arrows choose, Enter decides. */

import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { titleOf } from "../answers";
import { useKeys } from "../context";
import { ranked } from "../filter";
import { Key, keepFocus } from "../parts";
import type { ChoiceQuestion } from "../wire";
import type { FormProps } from "./props";

/** More are found by typing another letter, and drawing a thousand would cost the next item time. */
const MOST_SHOWN = 50;

export function Search(props: FormProps<ChoiceQuestion>): JSX.Element {
  const { question, onDecide } = props;
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const typed = useSignal("");
  /** Place in the list; -1: Enter chooses nothing, so that a stray one cannot. */
  const active = useSignal(-1);
  const found = useComputed(() => ranked(question.labels, typed.value));
  const shown = found.value.slice(0, MOST_SHOWN);
  const previous =
    props.previous !== null && "label" in props.previous ? props.previous.label : null;

  // Before paint: the next letter belongs to the next item.
  useLayoutEffect(() => {
    typed.value = "";
    active.value = -1;
    // On a telephone the keyboard would cover the item.
    if (props.active && matchMedia("(pointer: fine)").matches) {
      input.current?.focus({ preventScroll: true });
    }
  }, [props.request, props.active]);

  useKeys(props.active, (key) => {
    if (key !== "/") return false;
    input.current?.focus();
    return true;
  });

  const move = (by: number): void => {
    active.value = Math.min(shown.length - 1, Math.max(0, active.value + by));
    list.current?.children[active.value]?.scrollIntoView({ block: "nearest" });
  };

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const label = shown[active.value];
    if (event.key === "ArrowDown") move(1);
    else if (event.key === "ArrowUp") move(-1);
    else if (event.key === "Escape") input.current?.blur();
    else if (event.key === "Enter" && !event.repeat) {
      if (label !== undefined) onDecide({ label: label.id });
    } else return;
    event.preventDefault();
  };

  return (
    <div class="search">
      <label class="field-name" for={`${id}-input`}>
        <span>
          Type to find one of {question.labels.length} <Key>/</Key>
        </span>
      </label>
      <input
        ref={input}
        id={`${id}-input`}
        class="field"
        type="text"
        role="combobox"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        enterkeyhint="done"
        aria-expanded="true"
        aria-autocomplete="list"
        aria-controls={`${id}-list`}
        aria-activedescendant={active.value < 0 ? undefined : `${id}-${active.value}`}
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
          active.value = typed.value.trim() === "" ? -1 : 0;
          list.current?.scrollTo({ top: 0 });
        }}
        onKeyDown={onKeyDown}
      />
      <div
        ref={list}
        id={`${id}-list`}
        class="options"
        role="listbox"
        aria-label={titleOf(question)}
      >
        {shown.map((label, at) => (
          <div
            key={label.id}
            id={`${id}-${at}`}
            class="option"
            role="option"
            aria-selected={at === active.value}
            onMouseDown={keepFocus}
            onClick={() => onDecide({ label: label.id })}
            dir="auto"
          >
            <span class="name">{label.name}</span>
            {label.id === previous && <span class="before">your answer before</span>}
            {at === active.value && <Key>↵</Key>}
          </div>
        ))}
      </div>
      <p class="quiet" aria-live="polite">
        {found.value.length === 0
          ? "No label matches. Remove a letter."
          : found.value.length > MOST_SHOWN
            ? `${found.value.length - MOST_SHOWN} more: go on typing`
            : null}
      </p>
      <p class="quiet">
        <Key>Esc</Key> leaves the box for the keys below
      </p>
    </div>
  );
}
