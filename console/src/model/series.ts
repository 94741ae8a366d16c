import { exact, fields, isFields, list, number } from "./judge";
import { type MetricName, metricNames } from "./route";

export const windowNames = ["15m", "6h"] as const;

export type WindowName = (typeof windowNames)[number];

export const windowMs: Readonly<Record<WindowName, number>> = {
  "15m": 15 * 60_000,
  "6h": 6 * 3_600_000,
};

const minuteMs = 60_000;

/** One moment: a time in ms and a value for each metric, NaN where it is not known. */
interface Point {
  readonly at: number;
  readonly values: Float64Array;
}

interface Minute extends Point {
  readonly most: Float64Array;
}

/** A curve of one metric; `null` where nothing is known. All have one length. */
export interface Curve {
  /** Seconds since 1970. */
  readonly at: readonly number[];
  readonly values: readonly (number | null)[];
  /** The highest of each minute; the same as `values` where there is no minute. */
  readonly most: readonly (number | null)[];
}

/** A curve in numbers. */
export interface Summary {
  readonly newest: number | null;
  readonly least: number;
  readonly mean: number;
  readonly most: number;
  /** Times in between for which nothing is known. */
  readonly gaps: number;
}

/**
 * What was measured of one host: 15 minutes as it came and 6 hours of minutes, from the history that
 * the node gave and from what came since. Times are the node's.
 */
export class Series {
  /** Grows with each change. */
  rev = 0;

  private native: Point[] = [];
  private minutes: Minute[] = [];
  private open: { at: number; sum: Float64Array; count: Float64Array; most: Float64Array } | null =
    null;
  private intervalMs = 2500;
  /** Add to the page's wall clock for that of the node. */
  private skewMs = 0;

  /** Takes a history as the node gives it; what was here before goes. False when it is none. */
  replace(history: unknown, now: number): boolean {
    if (!isFields(history)) return false;
    const cols = list(history.cols, 32).map((name) => exact(name, 32));
    if (cols.length === 0) return false;
    const interval = number(history.interval_ms, minuteMs, 100);
    if (interval !== null) this.intervalMs = interval;
    const t0 = number(history.t0, Number.MAX_SAFE_INTEGER) ?? 0;
    const places = metricNames.map((name) => cols.indexOf(name));
    this.native = withoutRepeatedGaps(
      list(history.native, 10_000).map((row, at) => ({
        at: t0 + at * this.intervalMs,
        values: readRow(row, places),
      })),
    );
    const { t0: m0, mean, max } = fields(history.minutes);
    const first = number(m0, Number.MAX_SAFE_INTEGER) ?? 0;
    const tops = list(max, 1000);
    this.minutes = withoutRepeatedGaps(
      list(mean, 1000).map((row, at) => ({
        at: first + at * minuteMs,
        values: readRow(row, places),
        most: readRow(tops[at] ?? row, places),
      })),
    );
    this.open = null;
    const newest = Math.max(this.native.at(-1)?.at ?? 0, this.minutes.at(-1)?.at ?? 0);
    // Clocks of page and node differ; only what is ahead can be told from a host that was away.
    this.skewMs = newest > now ? newest - now : 0;
    this.rev += 1;
    return true;
  }

  /** A sample came; `now` is the page's wall clock, ms. */
  add(metrics: Readonly<Record<MetricName, number | null>>, intervalMs: number, now: number): void {
    const at = now + this.skewMs;
    const last = this.native.at(-1);
    if (last !== undefined && at <= last.at) return;
    this.intervalMs = intervalMs;
    const values = Float64Array.from(metricNames, (name) => metrics[name] ?? Number.NaN);
    this.native.push({ at, values });
    this.native = trimmed(this.native, at - windowMs["15m"] - minuteMs);
    this.addToMinute(at, values);
    this.rev += 1;
  }

  get empty(): boolean {
    return this.native.length === 0 && this.minutes.length === 0;
  }

  /** The node's wall clock, ms. */
  nodeTime(now: number): number {
    return now + this.skewMs;
  }

  /** What is known of a metric in the window that ends now. Where samples are missing is a gap. */
  curve(metric: MetricName, window: WindowName, now: number): Curve {
    const from = this.nodeTime(now) - windowMs[window];
    const minutes = window === "6h";
    const points: readonly Point[] = minutes ? this.allMinutes() : this.native;
    const step = minutes ? minuteMs : this.intervalMs;
    const place = metricNames.indexOf(metric);
    const at: number[] = [];
    const values: (number | null)[] = [];
    const most: (number | null)[] = [];
    let before: number | null = null;
    for (const point of points) {
      if (point.at < from) continue;
      if (before !== null && point.at - before > 2.5 * step) {
        at.push((before + step) / 1000);
        values.push(null);
        most.push(null);
      }
      const value = known(point.values[place]);
      at.push(point.at / 1000);
      values.push(value);
      most.push(minutes ? (known((point as Minute).most[place]) ?? value) : value);
      before = point.at;
    }
    return { at, values, most };
  }

  private allMinutes(): readonly Minute[] {
    const { open } = this;
    if (open === null) return this.minutes;
    return [...this.minutes, { at: open.at, values: meanOf(open), most: open.most }];
  }

  private addToMinute(at: number, values: Float64Array): void {
    const begin = Math.floor(at / minuteMs) * minuteMs;
    if (this.open === null || this.open.at !== begin) {
      if (this.open !== null) this.minutes = [...this.allMinutes()];
      // The history may have the minute that is under way: it goes on, weighed by its samples.
      const known = this.minutes.at(-1)?.at === begin ? this.minutes.pop() : undefined;
      const weight = Math.max(1, Math.round((at - begin) / this.intervalMs));
      const means = known?.values ?? empty();
      this.minutes = trimmed(this.minutes, at - windowMs["6h"] - minuteMs);
      this.open = {
        at: begin,
        sum: means.map((value) => (value >= 0 ? value * weight : 0)),
        count: means.map((value) => (value >= 0 ? weight : 0)),
        most: known?.most ?? empty(),
      };
    }
    const { sum, count, most } = this.open;
    values.forEach((value, place) => {
      if (Number.isNaN(value)) return;
      sum[place] = (sum[place] ?? 0) + value;
      count[place] = (count[place] ?? 0) + 1;
      const top = most[place] ?? Number.NaN;
      most[place] = top > value ? top : value;
    });
  }
}

/** A curve in a few numbers; `null` when nothing is known. */
export function summaryOf(curve: Curve): Summary | null {
  const values = curve.values.filter((value) => value !== null);
  if (values.length === 0) return null;
  const tops = curve.most.filter((value) => value !== null);
  const gaps = curve.values.filter(
    (value, at) => value === null && at > 0 && curve.values[at - 1] !== null,
  );
  return {
    newest: curve.values.at(-1) ?? null,
    least: values.reduce((a, b) => Math.min(a, b)),
    mean: values.reduce((a, b) => a + b, 0) / values.length,
    most: tops.reduce((a, b) => Math.max(a, b), 0),
    gaps: gaps.length,
  };
}

function readRow(row: unknown, places: readonly number[]): Float64Array {
  const cells = list(row, 32);
  return Float64Array.from(places, (place) => number(cells[place], 1e12) ?? Number.NaN);
}

function isGap({ values }: Point): boolean {
  return values.every((value) => Number.isNaN(value));
}

/** One point is enough for a gap, and none for what comes before and after all that is known. */
function withoutRepeatedGaps<Timed extends Point>(points: readonly Timed[]): Timed[] {
  const kept: Timed[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (!isGap(point) || (last !== undefined && !isGap(last))) kept.push(point);
  }
  const end = kept.at(-1);
  if (end !== undefined && isGap(end)) kept.pop();
  return kept;
}

function known(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}

function empty(): Float64Array {
  return new Float64Array(metricNames.length).fill(Number.NaN);
}

function meanOf({ sum, count }: { sum: Float64Array; count: Float64Array }): Float64Array {
  return sum.map((value, place) => value / (count[place] || Number.NaN));
}

function trimmed<Timed extends Point>(points: Timed[], from: number): Timed[] {
  const keep = points.findIndex(({ at }) => at >= from);
  return keep <= 0 ? points : points.slice(keep);
}
