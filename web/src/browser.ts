/** What the desk needs of a browser, and what a browser tells the desk. */

import type { Api } from "./api";
import type { Desk } from "./desk";
import { Live } from "./live";
import type { DeskWorld } from "./world";

const LIVE_MS = 1_500;
const LOCK = "signoff.outbox";

/** One tab sends at a time. Without locks (a page that is not on a secure origin) ids still hold. */
export async function alone(work: () => Promise<void>): Promise<void> {
  // Older browsers and plain http have none, whatever the types say.
  const locks = (navigator as Partial<Navigator>).locks;
  if (locks === undefined) return work();
  await locks.request(LOCK, work);
}

export function later(run: () => void, ms: number): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

export function worldOf(api: Api): Omit<DeskWorld, "store" | "alone"> {
  return {
    api,
    storage: sessionStorageOrNone(),
    // Longer than a frame: sending must not delay the picture of the next item.
    soon: (run) => void later(run, 20),
    later,
    now: Date.now,
    ticks: () => performance.now(),
    random: Math.random,
    visible: () => document.visibilityState === "visible",
  };
}

function sessionStorageOrNone(): Storage | null {
  try {
    return sessionStorage;
  } catch {
    // Forbidden, with an error on mere mention.
    return null;
  }
}

/** Tells the desk when the page is shown, hidden, closed, cut off or connected again. */
export function followPage(desk: Desk, api: Api, losesAnswers: boolean): void {
  const project = desk.project.id;
  const live = new Live(
    { open: (url) => new EventSource(url), later, random: Math.random },
    api.eventsUrl(project),
    (progress) => desk.hear(progress),
  );
  const look = (): void => {
    live.start();
    desk.wake();
  };
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") return look();
    live.stop();
    desk.sleep();
  });
  addEventListener("pageshow", (event) => {
    if (event.persisted) look();
  });
  addEventListener("online", () => desk.wake());
  addEventListener("offline", () => desk.lostConnection());
  addEventListener("pagehide", () => {
    const requests = desk.leaving();
    if (requests.length === 0) return;
    // Text, because a beacon with JSON would ask for permission first, and the page is going.
    navigator.sendBeacon(api.returnUrl(project), JSON.stringify({ requests }));
  });
  addEventListener("beforeunload", (event) => {
    const lost = desk.losable || (losesAnswers && desk.unsent.value.length > 0);
    if (lost) event.preventDefault();
  });
  // The page begins with all there is to know: news can wait until the first item is there.
  later(() => {
    if (document.visibilityState === "visible") live.start();
  }, LIVE_MS);
}
