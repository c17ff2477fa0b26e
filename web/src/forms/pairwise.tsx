/** Which of two texts is better: one key decides. */

import type { JSX } from "preact";
import { useKeys } from "../context";
import { Key, keepFocus } from "../parts";
import type { Answer, PairwiseQuestion, Preference } from "../wire";
import type { FormProps } from "./props";

const CHOICES: readonly {
  readonly preferred: Preference;
  readonly key: string;
  readonly name: string;
}[] = [
  { preferred: "a", key: "a", name: "A is better" },
  { preferred: "b", key: "b", name: "B is better" },
  { preferred: "tie", key: "t", name: "Equally good" },
  { preferred: "both_bad", key: "x", name: "Both bad" },
];

export function Pairwise(props: FormProps<PairwiseQuestion>): JSX.Element {
  useKeys(props.active, (key) => {
    const choice = CHOICES.find((each, at) => each.key === key || String(at + 1) === key);
    if (choice === undefined) return false;
    props.onDecide({ preferred: choice.preferred });
    return true;
  });
  return (
    <div class="answers four">
      {CHOICES.map(({ preferred, key, name }, at) => (
        <button
          key={key}
          type="button"
          class="answer"
          aria-keyshortcuts={`${key.toUpperCase()} ${at + 1}`}
          aria-pressed={isIt(props.answer, preferred)}
          onMouseDown={keepFocus}
          onClick={() => props.onDecide({ preferred })}
        >
          <Key>{key.toUpperCase()}</Key>
          <span class="label">
            <span class="name">{name}</span>
            {isIt(props.previous, preferred) && <span class="before">your answer before</span>}
          </span>
          <Key>{String(at + 1)}</Key>
        </button>
      ))}
    </div>
  );
}

function isIt(answer: Answer | null, preferred: Preference): boolean {
  return answer !== null && "preferred" in answer && answer.preferred === preferred;
}
