/** Components that load when a project needs them, so that the others' pages stay small. */

import { signal } from "@preact/signals";
import type { ComponentType } from "preact";

export interface Lazily<P> {
  (props: P): preact.JSX.Element;
  /** Begins to load; resolves when it is there. */
  preload(): Promise<void>;
}

export function lazily<P extends object>(load: () => Promise<ComponentType<P>>): Lazily<P> {
  const loaded = signal<ComponentType<P> | null>(null);
  const failed = signal(false);
  let running: Promise<void> | null = null;

  const preload = (): Promise<void> => {
    running ??= load().then(
      (component) => {
        loaded.value = component;
        failed.value = false;
      },
      () => {
        // Offline, or the server has a newer page: the next look tries again.
        failed.value = true;
        running = null;
      },
    );
    return running;
  };

  const Show = (props: P): preact.JSX.Element => {
    const Component = loaded.value;
    if (Component !== null) return <Component {...props} />;
    if (failed.value) {
      return <p class="quiet">This part of the page did not load. Reload when you are online.</p>;
    }
    void preload();
    return <p class="quiet">Loading…</p>;
  };
  return Object.assign(Show, { preload });
}
