/** Conversations as JSON: a list of messages with a role and a content. Pure. */

export interface Message {
  readonly role: string;
  readonly content: string;
}

/** The messages, or null where the text is no conversation. */
export function parseChat(text: string): readonly Message[] | null {
  if (!text.trimStart().startsWith("[")) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length === 0) return null;
  const messages = value.map(message);
  return messages.every((each) => each !== null) ? messages : null;
}

function message(value: unknown): Message | null {
  if (!isRecord(value) || typeof value["role"] !== "string") return null;
  const content = contentOf(value["content"]);
  return content === null ? null : { role: value["role"], content };
}

/** A text, or a list of parts of which some are texts; null where there is no content at all. */
function contentOf(value: unknown): string | null {
  if (typeof value === "string") return value;
  if (!Array.isArray(value)) return value === undefined ? null : JSON.stringify(value);
  return value
    .map((part) =>
      isRecord(part) && typeof part["text"] === "string" ? part["text"] : JSON.stringify(part),
    )
    .join("\n");
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
