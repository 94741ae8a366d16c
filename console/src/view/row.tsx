import { Component } from "preact";
import { columnKeys } from "../model/columns";
import type { Format } from "../model/format";
import type { Host } from "../model/host";
import { text } from "../text";
import { cellContent } from "./cells";

export interface RowProps {
  host: Host;
  /** `host.rev` when drawn: hosts change in place. */
  rev: number;
  /** Place among all rows, from 0. */
  index: number;
  /** Distance from the top of the first row, px. */
  top: number;
  /** Column that Tab reaches, or -1 when it is in another row. */
  tabColumn: number;
  seen: string;
  format: Format;
}

/** One host. It draws itself anew only when something in it is different. */
export class Row extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    const now = this.props;
    return (
      now.rev !== next.rev ||
      now.seen !== next.seen ||
      now.top !== next.top ||
      now.index !== next.index ||
      now.tabColumn !== next.tabColumn ||
      now.host !== next.host ||
      now.format !== next.format
    );
  }

  override render({ host, index, top, tabColumn, seen, format }: RowProps) {
    return (
      <div
        role="row"
        class="row"
        aria-rowindex={index + 2}
        data-row={index + 1}
        data-state={host.state}
        style={{ transform: `translateY(${top}px)` }}
      >
        {columnKeys.map((key, column) => (
          <div
            key={key}
            role={key === "id" ? "rowheader" : "gridcell"}
            class={`cell ${key}`}
            aria-colindex={column + 1}
            data-column={column}
            data-label={text.columnShort[key]}
            tabIndex={column === tabColumn ? 0 : -1}
          >
            {cellContent(key, host, seen, format)}
          </div>
        ))}
      </div>
    );
  }
}
