/** Where sendings are kept: IndexedDB, or memory where the browser forbids that. */

import type { Sending, SendingStore } from "./outbox";

const NAME = "signoff";
const SENDINGS = "sendings";

/** Opens the store; rejects where IndexedDB is missing or forbidden. */
export async function openStore(factory: IDBFactory = indexedDB): Promise<SendingStore> {
  const opening = factory.open(NAME, 1);
  opening.onupgradeneeded = () => {
    opening.result.createObjectStore(SENDINGS, { keyPath: "id" });
  };
  const database = await settled(opening);
  // Another tab with a newer page wants to upgrade: do not stand in its way.
  database.onversionchange = () => database.close();

  // Strict, because the page has nothing else to remember an answer by.
  const commit = (changes: readonly Change[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(SENDINGS, "readwrite", { durability: "strict" });
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error ?? new Error("not kept"));
      for (const change of changes) change(transaction.objectStore(SENDINGS));
    });
  const change = together(commit);

  return {
    put: (sending) => change((sendings) => sendings.put(sending)),
    remove: (id) => change((sendings) => sendings.delete(id)),
    all: () => {
      const transaction = database.transaction(SENDINGS, "readonly");
      return settled<Sending[]>(transaction.objectStore(SENDINGS).getAll());
    },
  };
}

type Change = (sendings: IDBObjectStore) => unknown;

/**
 * Lets changes that come while the disk is busy share the next transaction: somebody who answers
 * fast must not wait for the disk once an answer.
 */
function together(
  commit: (changes: readonly Change[]) => Promise<void>,
): (change: Change) => Promise<void> {
  let waiting: Change[] = [];
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | null = null;
  const start = (): Promise<void> => {
    const changes = waiting;
    waiting = [];
    next = null;
    running = commit(changes);
    return running;
  };
  return (change) => {
    waiting.push(change);
    next ??= running.then(start, start);
    return next;
  };
}

/** Loses everything with the tab: the page warns before it closes. */
export function memoryStore(): SendingStore {
  const kept = new Map<string, Sending>();
  return {
    put: async (sending) => void kept.set(sending.id, sending),
    remove: async (id) => void kept.delete(id),
    all: async () => [...kept.values()],
  };
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("no database"));
  });
}
