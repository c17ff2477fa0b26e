/** A picture: it fits the page, and a key or a click enlarges it. Only from this server. */

import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useDesk, useKeys } from "../context";
import { Key, keepFocus } from "../parts";
import type { Item, Request } from "../wire";
import { ownAddress } from "./views";

/** How many of the next pictures are fetched while somebody looks at this one. */
const AHEAD = 3;
let fetched: readonly HTMLImageElement[] = [];

export function Picture({ item }: { readonly item: Item }): JSX.Element {
  const large = useSignal(false);
  const failed = useSignal(false);
  const source = addressOf(item);
  useFetchAhead(useDesk().held.value);
  const toggle = (): void => void (large.value = !large.value);
  useKeys(source !== null, (key) => key === "z" && (toggle(), true), "page");
  if (source === null) {
    return <p class="quiet">This picture is not on this server, and the page loads no others.</p>;
  }
  if (failed.value) {
    return (
      <p class="quiet" role="alert">
        The picture did not load: it may have been erased, or you are offline. Skip it, or reload.
      </p>
    );
  }
  return (
    <div class={large.value ? "pictured large" : "pictured"}>
      <img
        class="picture"
        src={source}
        alt={described(item)}
        decoding="async"
        onClick={toggle}
        onError={() => void (failed.value = true)}
      />
      <button
        type="button"
        class="action"
        aria-pressed={large.value}
        onMouseDown={keepFocus}
        onClick={toggle}
      >
        <Key>Z</Key>
        <span class="label">Enlarge</span>
      </button>
    </div>
  );
}

/** Never the file's name: it might say what the picture shows. */
function described(item: Item): string {
  const alt = item.fields["alt"] ?? item.fields["caption"];
  return typeof alt === "string" ? alt : "The picture to judge";
}

function addressOf(item: Item): string | null {
  return item.image === undefined || item.image === null ? null : ownAddress(item.image);
}

/** The next item paints at once: its picture is in the browser's cache by then. */
function useFetchAhead(held: readonly Request[]): void {
  useEffect(() => {
    fetched = held.slice(1, 1 + AHEAD).flatMap(({ item }) => {
      const source = addressOf(item);
      if (source === null) return [];
      const image = new Image();
      image.src = source;
      return [image];
    });
    return () => void (fetched = fetched.slice(0, 0));
  }, [held]);
}
