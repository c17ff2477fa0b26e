/** What every part of the page can reach. */

import { batch, type ReadonlySignal, useSignal } from "@preact/signals";
import { createContext } from "preact";
import { useContext, useLayoutEffect, useRef } from "preact/hooks";
import type { Desk } from "./desk";
import { type KeyHandler, KeyRing, type Level } from "./keys";

export const DeskContext = createContext<Desk | null>(null);
export const KeysContext = createContext(new KeyRing());

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (desk === null) throw new Error("There is no desk around this component.");
  return desk;
}

/** Listens to keys while `active`; the handler says whether it used the key. */
export function useKeys(active: boolean, handler: KeyHandler, level: Level = "question"): void {
  const ring = useContext(KeysContext);
  const latest = useRef(handler);
  latest.current = handler;
  // Before paint: a key pressed right after must find its listener.
  useLayoutEffect(
    () => (active ? ring.listen(level, (key) => latest.current(key)) : undefined),
    [active, ring, level],
  );
}

/** What waits for the frame that shows the item to be over; all of it is drawn in one further frame. */
const waiting = new Set<() => void>();

function afterItem(draw: () => void): void {
  if (waiting.size === 0) requestAnimationFrame(() => setTimeout(drawWaiting, 0));
  waiting.add(draw);
}

function drawWaiting(): void {
  const all = [...waiting];
  waiting.clear();
  batch(() => all.forEach((draw) => draw()));
}

/**
 * The signal's value, one frame late: what stands beside the item follows it, so that the next item
 * never waits for a list or a figure to be drawn.
 */
export function useAfterItem<T>(source: ReadonlySignal<T>): T {
  const shown = useSignal(source.peek());
  useLayoutEffect(() => {
    const draw = (): void => void (shown.value = source.peek());
    const stop = source.subscribe(() => afterItem(draw));
    return () => {
      stop();
      waiting.delete(draw);
    };
  }, [source]);
  return shown.value;
}
