/** Two texts side by side, below what they answer. */

import type { JSX } from "preact";
import { plain } from "../answers";
import type { Item, PairwiseQuestion } from "../wire";
import { type Direction, ItemView, Talk } from "./views";

interface PairProps {
  readonly question: PairwiseQuestion;
  readonly item: Item;
  readonly direction: Direction;
}

export function Pair({ question, item, direction }: PairProps): JSX.Element {
  const a = textOf(item, question.a);
  const b = textOf(item, question.b);
  const asked = item.kind !== "image" && item.text !== a && item.text !== b ? item.text : "";
  return (
    <div class="pair">
      {item.kind === "image" && (
        <div class="asked">
          <ItemView item={item} direction={direction} />
        </div>
      )}
      {asked !== "" && (
        <div class="asked">
          <Talk text={asked} direction={direction} />
        </div>
      )}
      <section class="side" aria-label="A">
        <h3>A</h3>
        <Talk text={a} direction={direction} />
      </section>
      <section class="side" aria-label="B">
        <h3>B</h3>
        <Talk text={b} direction={direction} />
      </section>
    </div>
  );
}

function textOf(item: Item, column: string): string {
  const value = item.fields[column];
  return value === undefined || value === null ? "" : plain(value);
}
