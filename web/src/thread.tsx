/** What people said of an item. In a blind project the server gives others' words after one's answer. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useDesk } from "./context";
import { Key } from "./parts";
import type { Comment } from "./wire";
import { when } from "./words";

export function Thread({ request }: { readonly request: string }): JSX.Element | null {
  const desk = useDesk();
  const said = useSignal<readonly Comment[] | null>(null);
  const sent = desk.words.value;
  useEffect(() => {
    let here = true;
    void desk.thread(request).then((comments) => here && (said.value = comments));
    return () => void (here = false);
  }, [request, sent]);
  const comments = said.value;
  if (comments === null || comments.length === 0) {
    return comments === null ? null : <p class="quiet">Nobody said anything here that you see.</p>;
  }
  return (
    <ol class="thread" aria-label="Comments">
      {comments.map((each) => (
        <li key={each.id} class={each.mine ? "mine" : ""}>
          <span class="decided">
            <bdi class="name">{each.mine ? "You" : each.author}</bdi>
            {each.kind === "flag" && <span class="state">flag</span>}
            <time dateTime={each.at}>{when(Date.parse(each.at), Date.now())}</time>
          </span>
          <span class="words" dir="auto">
            {each.text ?? "(erased)"}
          </span>
        </li>
      ))}
    </ol>
  );
}

interface ThreadDialogProps {
  readonly request: string;
  readonly text: string;
  readonly onClose: () => void;
}

/** The thread of a decision of mine, over the page. */
export function ThreadDialog({ request, text, onClose }: ThreadDialogProps): JSX.Element {
  const desk = useDesk();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="help" aria-labelledby="thread-title" onClose={onClose}>
      <form method="dialog">
        <h2 id="thread-title">Comments</h2>
        <button class="action" autofocus>
          <Key>Esc</Key>
          <span class="label">Close</span>
        </button>
      </form>
      <p dir="auto" class="quiet">
        {text}
      </p>
      <Thread request={request} />
      {desk.project.blind && (
        <p class="quiet">Once you read what others said, your answer can no longer be undone.</p>
      )}
    </dialog>
  );
}
