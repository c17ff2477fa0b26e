/** An item as people read it, by its kind. */

import type { JSX } from "preact";
import { plain } from "../answers";
import { parseChat } from "../chat";
import { lazily } from "../lazily";
import type { Item, Json } from "../wire";

export const Markdown = lazily(() => import("./markdown").then((module) => module.Markdown));
const Picture = lazily(() => import("./picture").then((module) => module.Picture));

export type Direction = "auto" | "ltr" | "rtl";

interface ItemProps {
  readonly item: Item;
  readonly direction: Direction;
}

export function ItemView({ item, direction }: ItemProps): JSX.Element {
  switch (item.kind) {
    case "markdown":
      return <Markdown source={item.text} />;
    case "chat":
      return <Talk text={item.text} direction={direction} />;
    case "image":
      return <Picture key={item.image} item={item} />;
    case "json":
      return <Code text={item.text} />;
    case "fields":
      return (
        <>
          {item.text !== "" && <Prose text={item.text} direction={direction} />}
          <Fields fields={Object.entries(item.fields)} />
        </>
      );
    case "text":
      return <Prose text={item.text} direction={direction} />;
  }
}

interface ProseProps {
  readonly text: string;
  readonly direction: Direction;
}

export function Prose({ text, direction }: ProseProps): JSX.Element {
  return (
    <p class={`prose ${sizeOf(text)}`} dir={direction}>
      {text}
    </p>
  );
}

/** A conversation; a text where it is none. */
export function Talk({ text, direction }: ProseProps): JSX.Element {
  const messages = parseChat(text);
  if (messages === null) return <Prose text={text} direction={direction} />;
  return (
    <ol class="chat">
      {messages.map((each, at) => (
        <li key={at} class={each.role === "user" ? "message asks" : "message"}>
          <span class="role">{each.role}</span>
          <p class="prose" dir={direction}>
            {each.content}
          </p>
        </li>
      ))}
    </ol>
  );
}

/** A short text may be larger: there is room. */
function sizeOf(text: string): "short" | "middling" | "long" {
  return text.length < 160 ? "short" : text.length < 900 ? "middling" : "long";
}

/** A path on this server; null for anything that leads elsewhere. */
export function ownAddress(text: string, origin = location.origin): string | null {
  // A backslash counts as a slash in addresses: "/\evil" would lead to another server.
  if (!/^\/(?![/\\])/.test(text.trim())) return null;
  try {
    const url = new URL(text.trim(), origin);
    return url.origin === origin ? url.pathname + url.search : null;
  } catch {
    return null;
  }
}

function Code({ text }: { readonly text: string }): JSX.Element {
  return (
    <pre class="code" dir="ltr">
      {pretty(text)}
    </pre>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

interface FieldsProps {
  readonly fields: readonly (readonly [string, Json])[];
}

export function Fields({ fields }: FieldsProps): JSX.Element {
  return (
    <dl class="fields">
      {fields.map(([name, value]) => (
        <div key={name}>
          <dt dir="auto">{name}</dt>
          <dd dir="auto">{value === null ? "–" : plain(value)}</dd>
        </div>
      ))}
    </dl>
  );
}
