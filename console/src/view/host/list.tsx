import type { ComponentChildren } from "preact";

/** A table with one row for each of a list of things; the first of its cells names it. */
export function List(props: {
  label: string;
  head: readonly string[];
  rows: readonly (readonly ComponentChildren[])[];
  more?: string | null;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={props.label}>
      <table>
        <thead>
          <tr>
            {props.head.map((name, at) =>
              name === "" ? (
                <td key={at} />
              ) : (
                <th key={at} scope="col">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {props.rows.map(([first, ...others], at) => (
            <tr key={at}>
              <th scope="row">{first}</th>
              {others.map((cell, column) => (
                <td key={column}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {props.more != null && <p class="note">{props.more}</p>}
    </div>
  );
}
