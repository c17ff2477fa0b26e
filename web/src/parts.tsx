/** Small pieces the whole page is made of. */

import type { ComponentChildren, JSX } from "preact";

/** A key as it is printed on its button. */
export function Key({ children }: { readonly children: string }): JSX.Element {
  return (
    <kbd class="key" aria-hidden="true">
      {children}
    </kbd>
  );
}

interface ActionProps {
  /** The key that does the same. */
  readonly keys: string;
  readonly onClick: () => void;
  readonly children: ComponentChildren;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly expanded?: boolean;
  readonly class?: string;
}

/** A button that a key presses, too. */
export function Action(props: ActionProps): JSX.Element {
  return (
    <button
      type="button"
      class={props.class ?? "action"}
      aria-keyshortcuts={shortcut(props.keys)}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      disabled={props.disabled}
      onMouseDown={keepFocus}
      onClick={props.onClick}
    >
      <Key>{props.keys}</Key>
      <span class="label">{props.children}</span>
    </button>
  );
}

/** The spelling assistive technology wants. */
function shortcut(keys: string): string {
  return keys.replace("Ctrl ", "Control+").replace("↵", "Enter");
}

/**
 * A mouse click does not move the focus onto the button: the next Enter means the item, not the
 * button pressed last. Tab still gets there.
 */
export function keepFocus(event: Event): void {
  event.preventDefault();
}
