/** What every form gets: it shows one question and says what a person chose. */

import type { Answer, Item, Question } from "../wire";

export interface FormProps<Q extends Question = Question> {
  readonly question: Q;
  readonly item: Item;
  /** Changes with the item. */
  readonly request: string;
  readonly answer: Answer | null;
  /** What was answered before it was undone. */
  readonly previous: Answer | null;
  /** This question has the keys. */
  readonly active: boolean;
  /** Another answer stands in the form. */
  readonly onChange: (answer: Answer | null) => void;
  /** This answer settles the question. */
  readonly onDecide: (answer: Answer) => void;
  /** The form as it stands is the answer. */
  readonly onSubmit: () => void;
}
