/** What every part of the page can reach. */

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
