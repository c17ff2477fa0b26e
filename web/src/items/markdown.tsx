/** Markdown as elements: nothing is ever handed to the browser as HTML. */

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { type Block, type Inline, parseMarkdown } from "../markdown";

export function Markdown({ source }: { readonly source: string }): JSX.Element {
  // The same elements again are not even compared: a guideline costs the next item nothing.
  const blocks = useMemo(() => parseMarkdown(source).map(block), [source]);
  return (
    <div class="markdown" dir="auto">
      {blocks}
    </div>
  );
}

function block(each: Block, key: number): JSX.Element {
  switch (each.kind) {
    case "heading":
      return heading(each.level, each.children, key);
    case "paragraph":
      return (
        <p key={key} dir="auto">
          {each.children.map(inline)}
        </p>
      );
    case "code":
      return (
        <pre key={key} dir="ltr">
          <code>{each.text}</code>
        </pre>
      );
    case "rule":
      return <hr key={key} />;
    case "quote":
      return <blockquote key={key}>{each.children.map(block)}</blockquote>;
    case "list":
      return list(each.first, each.items, key);
    case "table":
      return table(each.head, each.rows, key);
  }
}

/** The page has headings of its own above: an item's begin at the third level. */
function heading(level: number, children: readonly Inline[], key: number): JSX.Element {
  const Tag = level === 1 ? "h3" : level === 2 ? "h4" : "h5";
  return (
    <Tag key={key} dir="auto">
      {children.map(inline)}
    </Tag>
  );
}

function list(
  first: number | null,
  items: readonly (readonly Block[])[],
  key: number,
): JSX.Element {
  const entries = items.map((item, at) => <li key={at}>{tight(item)}</li>);
  return first === null ? (
    <ul key={key}>{entries}</ul>
  ) : (
    <ol key={key} start={first}>
      {entries}
    </ol>
  );
}

/** A list item that begins with a paragraph shows it without the paragraph's space. */
function tight(item: readonly Block[]): readonly (JSX.Element | string)[] {
  return item.flatMap((each, at) =>
    at === 0 && each.kind === "paragraph" ? each.children.map(inline) : [block(each, at)],
  );
}

function table(
  head: readonly (readonly Inline[])[],
  rows: readonly (readonly (readonly Inline[])[])[],
  key: number,
): JSX.Element {
  return (
    <table key={key}>
      <thead>
        <tr>
          {head.map((cell, at) => (
            <th key={at} scope="col" dir="auto">
              {cell.map(inline)}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={at}>
            {row.map((cell, column) => (
              <td key={column} dir="auto">
                {cell.map(inline)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function inline(each: Inline, key: number): JSX.Element | string {
  switch (each.kind) {
    case "text":
      return each.text;
    case "code":
      return <code key={key}>{each.text}</code>;
    case "break":
      return <br key={key} />;
    case "strong":
      return <strong key={key}>{each.children.map(inline)}</strong>;
    case "emphasis":
      return <em key={key}>{each.children.map(inline)}</em>;
    case "deleted":
      return <del key={key}>{each.children.map(inline)}</del>;
    case "link":
      return (
        <a key={key} href={each.href} target="_blank" rel="noopener noreferrer">
          {each.children.map(inline)}
        </a>
      );
  }
}
