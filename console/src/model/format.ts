import { text } from "../text";
import type { Load } from "./host";

/** A value with its unit apart, so that the unit can be drawn fainter. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

export interface Format {
  count(value: number): string;
  percent(value: number): string;
  /** A number of unknown unit, as it came. */
  plain(value: number): string;
  megabits(value: number): Quantity;
  bytes(value: number): Quantity;
  load(value: Load): readonly [string, string, string];
  /** How long ago, coarse: seconds, minutes, hours, days. */
  ago(ms: number): string;
}

const binarySteps = [
  { from: 2 ** 40, unit: text.unit.tebibyte },
  { from: 2 ** 30, unit: text.unit.gibibyte },
  { from: 0, unit: text.unit.mebibyte },
] as const;

const agoSteps = [
  { upTo: 90, size: 1, unit: "second" },
  { upTo: 90 * 60, size: 60, unit: "minute" },
  { upTo: 36 * 3600, size: 3600, unit: "hour" },
  { upTo: Number.POSITIVE_INFINITY, size: 86_400, unit: "day" },
] as const;

/** Numbers and ages as the reader's locale writes them. `undefined`: the browser's own locale. */
export function createFormat(locale?: string): Format {
  const digits = (least: number, most: number): Intl.NumberFormat =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: least, maximumFractionDigits: most });
  const whole = digits(0, 0);
  const tenth = digits(0, 1);
  const two = digits(2, 2);
  const free = digits(0, 3);
  const percent = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const relative = new Intl.RelativeTimeFormat(locale, { style: "narrow", numeric: "always" });

  return {
    count: (value) => whole.format(value),
    percent: (value) => percent.format(value),
    plain: (value) => free.format(value),
    megabits: (value) => ({ value: two.format(value), unit: text.unit.network }),
    bytes: (value) => {
      const step = binarySteps.find(({ from }) => value >= from) ?? binarySteps[2];
      const size = step.from === 0 ? 2 ** 20 : step.from;
      return { value: (value / size < 99.5 ? tenth : whole).format(value / size), unit: step.unit };
    },
    load: (value) => [two.format(value[0]), two.format(value[1]), two.format(value[2])],
    ago: (ms) => {
      const seconds = Math.max(0, Math.floor(ms / 1000));
      const step = agoSteps.find(({ upTo }) => seconds < upTo) ?? agoSteps[3];
      return relative.format(-Math.floor(seconds / step.size), step.unit);
    },
  };
}

/**
 * The age shown for a host. One that reports in time says `now` and does not flicker; only a late
 * one counts.
 */
export function seenText(format: Format, ageMs: number, intervalMs: number): string {
  return ageMs < Math.max(1.5 * intervalMs, 3000) ? text.now : format.ago(ageMs);
}
