import type { ColumnName, MetricName, Sort } from "../model/route";
import { text } from "../text";

interface HeadProps {
  columns: readonly ColumnName[];
  sort: Sort;
  metric: MetricName;
  /** Column that Tab reaches, or -1 when a row has it. */
  tabColumn: number;
  onSort: (key: ColumnName) => void;
}

function Arrow({ down }: { down: boolean }) {
  return (
    <svg class="arrow" viewBox="0 0 8 8" aria-hidden="true">
      <path d={down ? "M0 2h8L4 7z" : "M0 6h8L4 1z"} />
    </svg>
  );
}

/** The head of the table; each name is a button that orders rows by its column. */
export function Head({ columns, sort, metric, tabColumn, onSort }: HeadProps) {
  return (
    <div role="rowgroup" class="head">
      <div role="row" class="row" aria-rowindex={1} data-row={0}>
        {columns.map((key, column) => {
          const sorted = sort.key === key;
          return (
            <div
              key={key}
              role="columnheader"
              class={`cell ${key}`}
              aria-colindex={column + 1}
              aria-sort={sorted ? (sort.descending ? "descending" : "ascending") : "none"}
            >
              <button
                type="button"
                data-column={column}
                tabIndex={column === tabColumn ? 0 : -1}
                title={text.columnHelp[key]}
                onClick={() => onSort(key)}
              >
                {key === "spark" ? text.sparkHead(text.metric[metric]) : text.column[key]}
                {sorted && <Arrow down={sort.descending} />}
              </button>
            </div>
          );
        })}
      </div>
    </div>
  );
}
