import { Component } from "preact";
import type { App } from "../app";
import type { Group } from "../model/arrangement";
import type { Slot } from "../model/fleet";
import type { Format } from "../model/format";
import { countedStates } from "../model/host";
import type { ColumnName } from "../model/route";
import { text } from "../text";
import { cellContent, isAccused } from "./cells";
import { groupName } from "./group";
import { Shape } from "./shape";

interface Placed {
  /** Place among all rows, from 0. */
  index: number;
  /** Distance from the top of the first row, px. */
  top: number;
  /** Column that Tab reaches, or -1 when it is in another row. */
  tabColumn: number;
  format: Format;
}

export interface RowProps extends Placed {
  app: App;
  slot: Slot;
  /** The store's revision of the host when drawn: hosts change in place. */
  rev: number;
  columns: readonly ColumnName[];
  seen: string;
  /** Changes when curves go on. */
  step: number;
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
      now.slot !== next.slot ||
      now.columns !== next.columns ||
      now.step !== next.step ||
      now.format !== next.format
    );
  }

  override render({ app, slot, index, top, tabColumn, columns, seen, format }: RowProps) {
    const state = app.fleet.state(slot);
    return (
      <div
        role="row"
        class="row"
        aria-rowindex={index + 2}
        data-row={index + 1}
        data-state={state}
        style={{ transform: `translateY(${top}px)` }}
      >
        {columns.map((key, column) => (
          <div
            key={key}
            role={key === "name" ? "rowheader" : "gridcell"}
            class={`cell ${key}`}
            aria-colindex={column + 1}
            data-column={column}
            data-label={text.columnShort[key]}
            data-accused={isAccused(app, slot, key) ? state : undefined}
            tabIndex={column === tabColumn ? 0 : -1}
          >
            {cellContent(key, app, slot, seen, format)}
          </div>
        ))}
      </div>
    );
  }
}

interface GroupRowProps extends Placed {
  group: Group;
  by: string;
  columns: number;
  onToggle: () => void;
}

/** The head of a group: its name, its worst state and its counts; closes and opens it. */
export function GroupRow(props: GroupRowProps) {
  const { group, by, index, top, tabColumn, format, columns, onToggle } = props;
  const name = groupName(by, group.key);
  return (
    <div
      role="row"
      class="row group"
      aria-rowindex={index + 2}
      data-row={index + 1}
      style={{ transform: `translateY(${top}px)` }}
    >
      <div
        role="gridcell"
        class="cell"
        aria-colspan={columns}
        aria-expanded={!group.collapsed}
        data-column={0}
        tabIndex={tabColumn >= 0 ? 0 : -1}
        onClick={onToggle}
      >
        <svg class="twist" viewBox="0 0 8 8" aria-hidden="true">
          <path d={group.collapsed ? "M2 0v8l5-4z" : "M0 2h8L4 7z"} />
        </svg>
        <bdi class="group-name">{name}</bdi>
        <span class="group-total">{format.count(group.counts.total)}</span>
        {countedStates.map(
          (state) =>
            group.counts[state] > 0 && (
              <span key={state} class="group-count" data-state={state}>
                <Shape of={state} />
                {format.count(group.counts[state])} <span class="word">{text.state[state]}</span>
              </span>
            ),
        )}
      </div>
    </div>
  );
}
