import { Component, createRef } from "preact";
import type { App } from "../app";
import { columnKeys } from "../model/columns";
import { type Format, seenText } from "../model/format";
import type { Host } from "../model/host";
import { scrollDelta, type Viewport, visibleRange } from "../model/range";
import { type Cell, moveTo } from "../model/roving";
import { text } from "../text";
import { Head } from "./head";
import { Row } from "./row";

interface GridProps {
  app: App;
  format: Format;
  /** Asks for a repaint in the next frame. */
  repaint: () => void;
}

/** The cell that Tab reaches. A host's row is known by its id, since rows move. */
interface TabStop {
  readonly id: string | null;
  readonly column: number;
}

const rowHeightGuess = 34;

/**
 * The table as an ARIA grid. The page itself scrolls; only rows in sight are in the document, each
 * placed by its index, and the row with the tab stop stays in it wherever it is.
 */
export class Grid extends Component<GridProps> {
  private readonly body = createRef<HTMLDivElement>();
  private readonly probe = createRef<HTMLDivElement>();
  private readonly root = createRef<HTMLDivElement>();
  private readonly sizes = new ResizeObserver(() => this.props.repaint());
  private tabStop: TabStop = { id: null, column: columnKeys.indexOf("id") };
  private focusWanted = false;

  override componentDidMount(): void {
    const { repaint } = this.props;
    window.addEventListener("scroll", repaint, { passive: true });
    window.addEventListener("resize", repaint, { passive: true });
    if (this.probe.current) this.sizes.observe(this.probe.current);
  }

  override componentWillUnmount(): void {
    const { repaint } = this.props;
    window.removeEventListener("scroll", repaint);
    window.removeEventListener("resize", repaint);
    this.sizes.disconnect();
  }

  override componentDidUpdate(): void {
    if (!this.focusWanted) return;
    this.focusWanted = false;
    const { row, column } = this.place();
    this.root.current
      ?.querySelector<HTMLElement>(`[data-row="${row}"] [data-column="${column}"]`)
      ?.focus({ preventScroll: true });
  }

  private get rows(): readonly Host[] {
    return this.props.app.arrangement.rows;
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
      count: this.rows.length,
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
    const { id, column } = this.tabStop;
    const at = id === null ? -1 : this.rows.findIndex((host) => host.id === id);
    return { row: at + 1, column };
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.metaKey || event.shiftKey) return;
    const view = this.viewport();
    const to = moveTo(this.place(), event.key, event.ctrlKey, {
      rows: view.count,
      columns: columnKeys.length,
      page: Math.floor(view.height / view.rowHeight),
    });
    if (to === null) return;
    event.preventDefault();
    this.tabStop = { id: this.rows[to.row - 1]?.id ?? null, column: to.column };
    this.focusWanted = true;
    if (to.row > 0) window.scrollBy({ top: scrollDelta(view, to.row - 1), behavior: "instant" });
    this.setState({});
  };

  private readonly onFocusIn = (event: FocusEvent): void => {
    const cell = (event.target as Element).closest<HTMLElement>("[data-column]");
    const row = cell?.closest<HTMLElement>("[data-row]");
    if (!cell || !row) return;
    const index = Number(row.dataset.row);
    this.props.app.focus(index > 0);
    const id = this.rows[index - 1]?.id ?? null;
    const column = Number(cell.dataset.column);
    if (id === this.tabStop.id && column === this.tabStop.column) return;
    this.tabStop = { id, column };
    this.setState({});
  };

  private readonly onFocusOut = (): void => this.props.app.focus(false);

  private readonly onPointerEnter = (event: PointerEvent): void => {
    if (event.pointerType === "mouse") this.props.app.point(true);
  };

  private readonly onPointerLeave = (): void => this.props.app.point(false);

  override render({ app, format }: GridProps) {
    const view = this.viewport();
    const { first, end } = visibleRange(view);
    const place = this.place();
    const shown: number[] = [];
    const pinned = place.row - 1;
    if (pinned >= 0 && pinned < first) shown.push(pinned);
    for (let index = first; index < end; index += 1) shown.push(index);
    if (pinned >= end) shown.push(pinned);

    return (
      <div
        ref={this.root}
        role="grid"
        class="grid"
        aria-label={text.table}
        aria-rowcount={view.count + 1}
        aria-colcount={columnKeys.length}
        aria-readonly="true"
        onKeyDown={this.onKeyDown}
        onFocusIn={this.onFocusIn}
        onFocusOut={this.onFocusOut}
      >
        <Head
          sort={app.query.sort}
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
            const host = this.rows[index];
            return (
              host && (
                <Row
                  key={host.id}
                  host={host}
                  rev={host.rev}
                  index={index}
                  top={index * view.rowHeight}
                  tabColumn={index === pinned ? place.column : -1}
                  seen={seenText(format, app.age(host.seenAt), host.reading.intervalMs)}
                  format={format}
                />
              )
            );
          })}
        </div>
        <div ref={this.probe} class="row probe" aria-hidden="true" />
      </div>
    );
  }
}
