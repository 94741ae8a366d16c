import { isOpen } from "./curves";
import type { MetricName } from "./route";

export interface TileSection {
  /** Hosts in it. */
  readonly count: number;
  readonly hasHead: boolean;
}

export interface TileLayout {
  /** Side of a tile and the step to the next, px. */
  readonly size: number;
  readonly step: number;
  readonly columns: number;
  readonly height: number;
  /** By section: where its head and its tiles begin. */
  readonly heads: readonly number[];
  readonly tops: readonly number[];
  /** By section: the number of its first tile. */
  readonly firsts: readonly number[];
}

export const tileHeadHeight = 28;
const smallest = 10;
const largest = 40;

/**
 * Tiles as large as they can be for all to be seen at once in `width` × `height`; when they would be
 * too small the map is higher than that. `coarse`: for fingers, never below 24 px.
 */
export function layTiles(
  sections: readonly TileSection[],
  width: number,
  height: number,
  coarse: boolean,
): TileLayout {
  const least = coarse ? 24 : smallest;
  for (let size = largest; ; size -= 1) {
    const layout = layWith(sections, Math.max(width, size), Math.max(size, least));
    if (size <= least || layout.height <= height) return layout;
  }
}

function layWith(sections: readonly TileSection[], width: number, size: number): TileLayout {
  const step = size + (size > 14 ? 3 : 2);
  const columns = Math.max(1, Math.floor((width + step - size) / step));
  const heads: number[] = [];
  const tops: number[] = [];
  const firsts: number[] = [];
  let y = 0;
  let first = 0;
  for (const { count, hasHead } of sections) {
    heads.push(y);
    if (hasHead) y += tileHeadHeight;
    tops.push(y);
    firsts.push(first);
    y += Math.ceil(count / columns) * step;
    if (hasHead && count > 0) y += 6;
    first += count;
  }
  return { size, step, columns, height: y, heads, tops, firsts };
}

function sectionOf(layout: TileLayout, tile: number): number {
  let at = layout.firsts.length - 1;
  while (at > 0 && (layout.firsts[at] ?? 0) > tile) at -= 1;
  return Math.max(0, at);
}

/** Where a tile is. */
export function tilePlace(layout: TileLayout, tile: number): { x: number; y: number } {
  const section = sectionOf(layout, tile);
  const within = tile - (layout.firsts[section] ?? 0);
  return {
    x: (within % layout.columns) * layout.step,
    y: (layout.tops[section] ?? 0) + Math.floor(within / layout.columns) * layout.step,
  };
}

/** The tile at a point, or -1. */
export function tileAt(
  layout: TileLayout,
  sections: readonly TileSection[],
  x: number,
  y: number,
): number {
  let section = layout.tops.length - 1;
  while (section > 0 && (layout.heads[section] ?? 0) > y) section -= 1;
  const row = Math.floor((y - (layout.tops[section] ?? 0)) / layout.step);
  const column = Math.floor(x / layout.step);
  if (row < 0 || column < 0 || column >= layout.columns) return -1;
  const within = row * layout.columns + column;
  if (within >= (sections[section]?.count ?? 0)) return -1;
  return (layout.firsts[section] ?? 0) + within;
}

/** The tile that an arrow key leads to, or `null` when the key has no meaning here. */
export function tileMove(
  layout: TileLayout,
  count: number,
  tile: number,
  key: string,
): number | null {
  const clamp = (to: number): number => Math.min(Math.max(to, 0), Math.max(0, count - 1));
  switch (key) {
    case "ArrowLeft":
      return clamp(tile - 1);
    case "ArrowRight":
      return clamp(tile + 1);
    case "ArrowUp":
      return clamp(tile - layout.columns);
    case "ArrowDown":
      return clamp(tile + layout.columns);
    case "PageUp":
      return clamp(tile - 10 * layout.columns);
    case "PageDown":
      return clamp(tile + 10 * layout.columns);
    case "Home":
      return 0;
    case "End":
      return clamp(count - 1);
    default:
      return null;
  }
}

/** The value that has the deepest colour. */
export function scaleEnd(metric: MetricName): number {
  return metric === "network" ? 10_000 : 100;
}

/** How far along its scale a value is, from 0 to 1. What has no upper end goes by its logarithm. */
export function shade(metric: MetricName, value: number): number {
  if (!(value >= 0)) return 0;
  const end = scaleEnd(metric);
  const part = isOpen(metric) ? Math.log10(1 + value * 10) / Math.log10(1 + end * 10) : value / end;
  return Math.min(part, 1);
}
