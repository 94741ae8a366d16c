import { Component, createRef } from "preact";
import type { Group } from "../model/arrangement";
import type { Slot } from "../model/fleet";
import type { HostState } from "../model/host";
import type { MetricName } from "../model/route";
import {
  layTiles,
  scaleEnd,
  shade,
  tileAt,
  tileHeadHeight,
  type TileLayout,
  tileMove,
  tilePlace,
  type TileSection,
} from "../model/tilemap";
import { text } from "../text";
import { groupName } from "./group";
import type { PartProps } from "./part";
import { Shape } from "./shape";

interface Section extends TileSection {
  readonly group: Group | null;
}

const colourNames = [
  "tile-low",
  "tile-high",
  "warn",
  "crit",
  "stale",
  "offline",
  "surface",
  "faint",
] as const;
type Colours = Readonly<Record<(typeof colourNames)[number], string>>;
const shades = 16;

function paintMark(
  pen: CanvasRenderingContext2D,
  state: HostState,
  x: number,
  y: number,
  s: number,
) {
  const at = (dx: number, dy: number): [number, number] => [x + dx * s, y + dy * s];
  pen.beginPath();
  if (state === "warn") {
    pen.moveTo(...at(0.5, 0.22));
    pen.lineTo(...at(0.8, 0.76));
    pen.lineTo(...at(0.2, 0.76));
    pen.fill();
  } else if (state === "crit") {
    pen.moveTo(...at(0.5, 0.16));
    pen.lineTo(...at(0.84, 0.5));
    pen.lineTo(...at(0.5, 0.84));
    pen.lineTo(...at(0.16, 0.5));
    pen.fill();
  } else if (state === "stale") {
    pen.arc(...at(0.5, 0.5), s * 0.26, -Math.PI / 2, Math.PI / 2);
    pen.fill();
  } else {
    pen.moveTo(...at(0.28, 0.28));
    pen.lineTo(...at(0.72, 0.72));
    pen.moveTo(...at(0.72, 0.28));
    pen.lineTo(...at(0.28, 0.72));
    pen.stroke();
  }
}

/**
 * The fleet as a map of tiles: the deeper the colour the more of the metric; a host that is not ok
 * has the colour and the shape of its state. One canvas as large as the window, whatever the size of
 * the fleet. For keyboards and screen readers it is a list with one option, the current tile.
 */
export class Tiles extends Component<PartProps> {
  private readonly root = createRef<HTMLDivElement>();
  private readonly canvas = createRef<HTMLCanvasElement>();
  private readonly sizes = new ResizeObserver(() => this.props.repaint());
  private layout: TileLayout = layTiles([], 1, 1, false);
  private sections: readonly Section[] = [];
  private slots: readonly Slot[] = [];
  private current: string | null = null;
  private hovered = -1;

  override componentDidMount(): void {
    const { repaint } = this.props;
    window.addEventListener("scroll", repaint, { passive: true });
    window.addEventListener("resize", repaint, { passive: true });
    if (this.root.current) this.sizes.observe(this.root.current);
    repaint(); // the width is known only now
  }

  override componentWillUnmount(): void {
    const { repaint, app } = this.props;
    window.removeEventListener("scroll", repaint);
    window.removeEventListener("resize", repaint);
    this.sizes.disconnect();
    app.hold("pointer", false);
    app.hold("focus", false);
  }

  override componentDidUpdate(): void {
    this.paint();
  }

  private arrange(): void {
    const { arrangement } = this.props.app;
    const { groups, matched } = arrangement;
    this.sections =
      groups.length === 0
        ? [{ group: null, count: matched.length, hasHead: false }]
        : groups.map((group) => ({
            group,
            count: group.collapsed ? 0 : group.slots.length,
            hasHead: true,
          }));
    this.slots =
      groups.length === 0
        ? matched
        : groups.flatMap((group) => (group.collapsed ? [] : group.slots));
    const top = (this.root.current?.getBoundingClientRect().top ?? 0) + window.scrollY;
    const coarse = window.matchMedia("(pointer: coarse)").matches;
    const height = Math.max(window.innerHeight - top - 56, 200);
    this.layout = layTiles(this.sections, this.root.current?.clientWidth ?? 800, height, coarse);
  }

  private colours(canvas: HTMLCanvasElement): Colours {
    const style = getComputedStyle(canvas);
    const found = colourNames.map((name) => {
      canvas.style.color = `var(--${name})`;
      return [name, style.color] as const;
    });
    canvas.style.color = "";
    return Object.fromEntries(found) as Colours;
  }

  private paint(): void {
    const canvas = this.canvas.current;
    const pen = canvas?.getContext("2d");
    if (!canvas || !pen) return;
    const scale = window.devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (
      canvas.width !== Math.round(width * scale) ||
      canvas.height !== Math.round(height * scale)
    ) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const top = this.scrolled();
    pen.setTransform(scale, 0, 0, scale, 0, -top * scale);
    pen.clearRect(0, top, width, height);
    const colours = this.colours(canvas);
    const ramp = mix(colours["tile-low"], colours["tile-high"], shades);
    const { app } = this.props;
    const { metric } = app.query;
    const { size } = this.layout;
    this.slots.forEach((slot, tile) => {
      const { x, y } = tilePlace(this.layout, tile);
      if (y + size < top || y > top + height) return;
      const state = app.fleet.state(slot);
      if (state === "ok" || state === "gone") {
        const value = app.fleet.metric(slot, metric);
        if (Number.isNaN(value)) {
          pen.strokeStyle = colours.faint;
          pen.lineWidth = 1;
          pen.strokeRect(x + 0.5, y + 0.5, size - 1, size - 1);
          return;
        }
        const part = shade(metric, value);
        pen.fillStyle = ramp[Math.round(part * (shades - 1))] ?? colours["tile-low"];
        pen.fillRect(x, y, size, size);
        return;
      }
      const colour = colours[state];
      pen.lineWidth = Math.max(1, size / 9);
      const hollow = state === "stale" || state === "offline";
      pen.fillStyle = pen.strokeStyle = colour;
      if (hollow) {
        const inset = pen.lineWidth / 2;
        pen.strokeRect(x + inset, y + inset, size - 2 * inset, size - 2 * inset);
      } else {
        pen.fillRect(x, y, size, size);
        pen.fillStyle = colours.surface;
      }
      paintMark(pen, state, x, y, size);
    });
  }

  /** Which part of the map lies at the top of the window, px. */
  private scrolled(): number {
    const root = this.root.current?.getBoundingClientRect();
    const canvas = this.canvas.current?.getBoundingClientRect();
    return root && canvas ? Math.max(0, canvas.top - root.top) : 0;
  }

  private at(event: MouseEvent): number {
    const root = this.root.current?.getBoundingClientRect();
    if (!root) return -1;
    const [x, y] = [event.clientX - root.left, event.clientY - root.top];
    return tileAt(this.layout, this.sections, x, y);
  }

  private readonly onMove = (event: PointerEvent): void => {
    if (event.pointerType === "mouse") this.props.app.hold("pointer", true);
    const tile = this.at(event);
    if (tile === this.hovered) return;
    this.hovered = tile;
    this.props.repaint();
  };

  private readonly onLeave = (): void => {
    this.hovered = -1;
    this.props.app.hold("pointer", false);
    this.props.repaint();
  };

  private readonly onClick = (event: MouseEvent): void => {
    const slot = this.slots[this.at(event)];
    if (slot !== undefined) this.props.app.openHost(slot);
  };

  private place(): number {
    const slot = this.current === null ? undefined : this.props.app.fleet.find(this.current);
    return slot === undefined ? -1 : this.slots.indexOf(slot);
  }

  private readonly onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const { app, repaint } = this.props;
    const tile = Math.max(0, this.place());
    const slot = this.slots[tile];
    if (event.key === "Enter" && slot !== undefined) {
      event.preventDefault();
      app.openHost(slot);
      return;
    }
    const to = tileMove(this.layout, this.slots.length, tile, event.key);
    if (to === null) return;
    event.preventDefault();
    this.choose(to);
    repaint();
  };

  private readonly onFocus = (): void => {
    this.props.app.hold("focus", true);
    if (this.place() < 0) this.choose(0);
    this.props.repaint();
  };

  private readonly onBlur = (): void => {
    this.current = null;
    this.props.app.hold("focus", false);
    this.props.repaint();
  };

  private choose(tile: number): void {
    const slot = this.slots[tile];
    this.current = slot === undefined ? null : this.props.app.fleet.id(slot);
    if (slot === undefined) return;
    const { y } = tilePlace(this.layout, tile);
    const top = (this.root.current?.getBoundingClientRect().top ?? 0) + y;
    const above = top - 120;
    const below = top + this.layout.size + 80 - window.innerHeight;
    if (above < 0) window.scrollBy({ top: above, behavior: "instant" });
    else if (below > 0) window.scrollBy({ top: below, behavior: "instant" });
  }

  /** What is said of a tile. */
  private words(slot: Slot, metric: MetricName): string {
    const { app, format } = this.props;
    const { fleet } = app;
    const value = fleet.isModern(slot)
      ? format.metric(metric, fleet.metric(slot, metric))
      : text.noValue;
    return [
      fleet.label(slot).short,
      text.state[fleet.state(slot)],
      text.metricValue(text.metric[metric], value),
    ].join(", ");
  }

  override render({ app, format }: PartProps) {
    this.arrange();
    const { metric } = app.query;
    const chosen = this.place();
    const pointed = this.hovered >= 0 ? this.hovered : chosen;
    const slot = this.slots[pointed];
    const count = this.slots.length;
    return (
      <>
        <p class="legend" aria-hidden="true">
          {text.metric[metric]} <span>{format.metric(metric, 0)}</span> <i />{" "}
          <span>{format.metric(metric, scaleEnd(metric))}</span>
        </p>
        <div
          class="tiles"
          ref={this.root}
          style={{ height: `${Math.max(this.layout.height, 1)}px` }}
        >
          {this.sections.map(
            ({ group }, at) =>
              group !== null && (
                <button
                  key={group.key}
                  type="button"
                  class="tiles-head"
                  aria-expanded={!group.collapsed}
                  style={{
                    transform: `translateY(${this.layout.heads[at] ?? 0}px)`,
                    height: `${tileHeadHeight}px`,
                  }}
                  onClick={() => app.toggleGroup(group.key)}
                >
                  <Shape of={group.worst} />
                  <bdi class="group-name">{groupName(app.query.group, group.key)}</bdi>
                  <span class="group-total">{format.count(group.counts.total)}</span>
                </button>
              ),
          )}
          <div
            class="tiles-map"
            role="listbox"
            tabIndex={0}
            aria-label={`${text.tiles}: ${text.tileSummary(format.count(count), count === 1, text.metric[metric])}. ${text.tilesHelp}`}
            aria-activedescendant={chosen >= 0 ? "tile" : undefined}
            onKeyDown={this.onKeyDown}
            onFocus={this.onFocus}
            onBlur={this.onBlur}
            onPointerMove={this.onMove}
            onPointerLeave={this.onLeave}
            onClick={this.onClick}
          >
            <canvas ref={this.canvas} aria-hidden="true" />
            {slot !== undefined && this.tile(slot, pointed, chosen)}
          </div>
        </div>
      </>
    );
  }

  private tile(slot: Slot, tile: number, chosen: number) {
    const { x, y } = tilePlace(this.layout, tile);
    const { size } = this.layout;
    const right = x > (this.root.current?.clientWidth ?? 0) / 2;
    return (
      <div
        id="tile"
        class="tile"
        role="option"
        aria-selected={tile === chosen}
        aria-posinset={tile + 1}
        aria-setsize={this.slots.length}
        style={{ transform: `translate(${x}px, ${y}px)`, width: `${size}px`, height: `${size}px` }}
      >
        <span class="tile-words" data-side={right ? "left" : "right"}>
          <Shape of={this.props.app.fleet.state(slot)} />
          <bdi>{this.words(slot, this.props.app.query.metric)}</bdi>
        </span>
      </div>
    );
  }
}

/** Colours from one to the other, as `rgb(r, g, b)`. */
function mix(from: string, to: string, steps: number): readonly string[] {
  const numbers = (colour: string): number[] =>
    (/\(([^)]*)\)/.exec(colour)?.[1] ?? "").split(/[ ,/]+/).map(Number);
  const [a, b] = [numbers(from), numbers(to)];
  return Array.from({ length: steps }, (_, step) => {
    const part = step / (steps - 1);
    const channel = (at: number): number =>
      Math.round((a[at] ?? 0) + ((b[at] ?? 0) - (a[at] ?? 0)) * part);
    return `rgb(${channel(0)}, ${channel(1)}, ${channel(2)})`;
  });
}
