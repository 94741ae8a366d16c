import { Component, createRef } from "preact";
import type { Entry } from "../model/arrangement";
import { cardColumns, columnsThatFit, gridTemplate } from "../model/columns";
import { curveStepMs } from "../model/curves";
import { scrollDelta, type Viewport, visibleRange } from "../model/range";
import type { ColumnName } from "../model/route";
import { type Cell, moveTo } from "../model/roving";
import { text } from "../text";
import { seenOf } from "./cells";
import { Head } from "./head";
import type { PartProps } from "./part";
import { GroupRow, Row } from "./row";

/** The cell that Tab reaches. A row is known by its host or group, since rows move. */
interface TabStop {
  /** `h` and a host's id, or `g` and a group's key; `null`: the head. */
  readonly row: string | null;
  readonly column: ColumnName;
}

/** Narrower pages show cards; the style sheet knows the same width. */
const cardsBelowRem = 54;
/** What the page's and the table's edges take of the width, rem. */
const edgesRem = 4;

const rowHeightGuess = 34;

/**
 * The table as an ARIA grid. The page itself scrolls; only rows in sight are in the document, each
 * placed by its index, and the row with the tab stop stays in it wherever it is.
 */
export class Grid extends Component<PartProps> {
  private readonly body = createRef<HTMLDivElement>();
  private readonly probe = createRef<HTMLDivElement>();
  private readonly root = createRef<HTMLDivElement>();
  private readonly sizes = new ResizeObserver(() => this.props.repaint());
  private tabStop: TabStop = { row: null, column: "name" };
  private focusWanted = false;
  private columns: readonly ColumnName[] = [];

  override componentDidMount(): void {
    const { repaint } = this.props;
    window.addEventListener("scroll", repaint, { passive: true });
    window.addEventListener("resize", repaint, { passive: true });
    document.addEventListener("selectionchange", this.onSelection);
    if (this.probe.current) this.sizes.observe(this.probe.current);
  }

  override componentWillUnmount(): void {
    const { repaint } = this.props;
    window.removeEventListener("scroll", repaint);
    window.removeEventListener("resize", repaint);
    document.removeEventListener("selectionchange", this.onSelection);
    for (const how of ["pointer", "focus", "selection"] as const) this.props.app.hold(how, false);
    this.sizes.disconnect();
  }

  override componentDidUpdate(): void {
    if (!this.focusWanted) return;
    this.focusWanted = false;
    const { row, column } = this.place();
    const cells = this.root.current?.querySelectorAll<HTMLElement>(
      `[data-row="${row}"] [data-column]`,
    );
    const cell = [...(cells ?? [])].find(({ dataset }) => Number(dataset.column) === column);
    (cell ?? cells?.[0])?.focus({ preventScroll: true });
  }

  private entry(at: number): Entry | null {
    return this.props.app.arrangement.entry(at);
  }

  /** What a row is known by. */
  private nameOf(at: number): string | null {
    const entry = this.entry(at);
    if (entry === null) return null;
    return entry.group === null ? `h${this.props.app.fleet.id(entry.slot)}` : `g${entry.group.key}`;
  }

  /** Where the row of that name is, or -1. */
  private find(name: string | null): number {
    if (name === null) return -1;
    const { arrangement, fleet } = this.props.app;
    const key = name.slice(1);
    if (name.startsWith("g")) {
      return arrangement.entries.indexOf(~arrangement.groups.findIndex((of) => of.key === key));
    }
    const slot = fleet.find(key);
    if (slot !== undefined) return arrangement.indexOf(slot);
    return arrangement.entries.findIndex((entry) => entry >= 0 && fleet.id(entry) === key);
  }

  /** The columns there is room for. The same list as before when nothing changed. */
  private fit(): readonly ColumnName[] {
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    const width = (document.documentElement.clientWidth || window.innerWidth) / rem;
    const asked = this.props.app.columns;
    const fitting =
      width <= cardsBelowRem ? cardColumns : columnsThatFit(asked, Math.min(width, 120) - edgesRem);
    if (fitting.join() !== this.columns.join()) this.columns = fitting;
    return this.columns;
  }

  /** What can be seen of the rows: below what sticks to the top of the window. */
  private viewport(): Viewport {
    const rowHeight = this.probe.current?.offsetHeight || rowHeightGuess;
    const bodyTop = this.body.current?.getBoundingClientRect().top ?? 0;
    const covered = this.covered();
    return {
      top: covered - bodyTop,
      height: Math.max(window.innerHeight - covered, rowHeight),
      rowHeight,
      count: this.props.app.arrangement.entries.length,
    };
  }

  /** Height at the top of the window that sticky parts cover. */
  private covered(): number {
    const head = this.root.current?.querySelector(".head");
    if (!head || getComputedStyle(head).position !== "sticky") return 0;
    return Math.max(0, head.getBoundingClientRect().bottom);
  }

  /** The tab stop as a cell; the head when its row is not shown. */
  private place(): Cell {
    const { row, column } = this.tabStop;
    return { row: this.find(row) + 1, column: Math.max(0, this.columns.indexOf(column)) };
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.metaKey || event.shiftKey) return;
    if (event.key === "Enter" || event.key === " ") {
      this.act(event);
      return;
    }
    const view = this.viewport();
    const to = moveTo(this.place(), event.key, event.ctrlKey, {
      rows: view.count,
      columns: this.columns.length,
      page: Math.floor(view.height / view.rowHeight),
    });
    if (to === null) return;
    event.preventDefault();
    this.tabStop = {
      row: to.row === 0 ? null : this.nameOf(to.row - 1),
      column: this.columns[to.column] ?? "name",
    };
    this.focusWanted = true;
    if (to.row > 0) window.scrollBy({ top: scrollDelta(view, to.row - 1), behavior: "instant" });
    this.setState({});
  };

  /** Enter on a row: opens the host, or opens and closes the group. */
  private act(event: KeyboardEvent): void {
    if (!(event.target as Element).matches("[data-row] > .cell")) return; // a button of its own
    const { app } = this.props;
    const entry = this.entry(this.place().row - 1);
    if (entry === null) return;
    if (entry.group !== null) app.toggleGroup(entry.group.key);
    else if (event.key === "Enter") app.openHost(entry.slot);
    event.preventDefault();
  }

  private readonly onSelection = (): void => {
    const selection = document.getSelection();
    const within = this.body.current?.contains(selection?.anchorNode ?? null) ?? false;
    this.props.app.hold("selection", within && selection?.isCollapsed === false);
  };

  private readonly onFocusIn = (event: FocusEvent): void => {
    const cell = (event.target as Element).closest<HTMLElement>("[data-column]");
    const row = cell?.closest<HTMLElement>("[data-row]");
    if (!cell || !row) return;
    const index = Number(row.dataset.row);
    this.props.app.hold("focus", index > 0);
    const name = index === 0 ? null : this.nameOf(index - 1);
    const inGroup = name?.startsWith("g") === true;
    const column = inGroup ? this.tabStop.column : this.columns[Number(cell.dataset.column)];
    if (name === this.tabStop.row && column === this.tabStop.column) return;
    this.tabStop = { row: name, column: column ?? "name" };
    this.setState({});
  };

  private readonly onFocusOut = (): void => this.props.app.hold("focus", false);

  private readonly onPointerEnter = (event: PointerEvent): void => {
    if (event.pointerType === "mouse") this.props.app.hold("pointer", true);
  };

  private readonly onPointerLeave = (): void => this.props.app.hold("pointer", false);

  override render({ app, format }: PartProps) {
    const columns = this.fit();
    const view = this.viewport();
    const { first, end } = visibleRange(view);
    const place = this.place();
    const shown: number[] = [];
    const pinned = place.row - 1;
    if (pinned >= 0 && pinned < first) shown.push(pinned);
    for (let index = first; index < end; index += 1) shown.push(index);
    if (pinned >= end) shown.push(pinned);
    const step = columns.includes("spark") ? Math.floor(app.age(0) / curveStepMs) : 0;

    return (
      <div
        ref={this.root}
        role="grid"
        class="grid"
        aria-label={text.table}
        aria-rowcount={view.count + 1}
        aria-colcount={columns.length}
        aria-readonly="true"
        style={{ "--columns": gridTemplate(columns) }}
        onKeyDown={this.onKeyDown}
        onFocusIn={this.onFocusIn}
        onFocusOut={this.onFocusOut}
      >
        <Head
          columns={columns}
          sort={app.query.sort}
          metric={app.query.metric}
          tabColumn={place.row === 0 ? place.column : -1}
          onSort={(key) => app.sortBy(key)}
        />
        <div
          ref={this.body}
          role="rowgroup"
          class="body"
          style={{ height: `${view.count * view.rowHeight}px` }}
          onPointerEnter={this.onPointerEnter}
          onPointerLeave={this.onPointerLeave}
        >
          {shown.map((index) => {
            const entry = this.entry(index);
            if (entry === null) return null;
            const placed = {
              index,
              top: index * view.rowHeight,
              tabColumn: index === pinned ? place.column : -1,
              format,
            };
            const { slot, group } = entry;
            return slot === null ? (
              <GroupRow
                key={`g${group.key}`}
                group={group}
                by={app.query.group}
                columns={columns.length}
                onToggle={() => app.toggleGroup(group.key)}
                {...placed}
              />
            ) : (
              <Row
                key={`h${app.fleet.id(slot)}`}
                app={app}
                slot={slot}
                rev={app.fleet.rev(slot)}
                columns={columns}
                seen={seenOf(app, slot, format)}
                step={step}
                {...placed}
              />
            );
          })}
        </div>
        <div ref={this.probe} class="row probe" aria-hidden="true" />
      </div>
    );
  }
}
