import { text } from "../text";
import type { ByteUnits } from "./prefs";
import type { MetricName } from "./route";

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
  load(value: number): string;
  /** A metric's value with its unit. */
  metric(name: MetricName, value: number): string;
  /** How long, coarse: its two largest parts. */
  duration(seconds: number): string;
  /** How long ago, coarse: seconds, minutes, hours, days. */
  ago(ms: number): string;
  /** Time of day, with the day when it is not today's. */
  moment(wallMs: number): string;
}

const agoSteps = [
  { upTo: 90, size: 1, unit: "second" },
  { upTo: 90 * 60, size: 60, unit: "minute" },
  { upTo: 36 * 3600, size: 3600, unit: "hour" },
  { upTo: Number.POSITIVE_INFINITY, size: 86_400, unit: "day" },
] as const;

const durationSteps = [
  { size: 86_400, unit: "day" },
  { size: 3600, unit: "hour" },
  { size: 60, unit: "minute" },
  { size: 1, unit: "second" },
] as const;

/** Numbers and ages as the reader's locale writes them. `undefined`: the browser's own locale. */
export function createFormat(locale?: string, bytes: ByteUnits = "binary"): Format {
  const digits = (least: number, most: number): Intl.NumberFormat =>
    new Intl.NumberFormat(locale, { minimumFractionDigits: least, maximumFractionDigits: most });
  const whole = digits(0, 0);
  const tenth = digits(0, 1);
  const one = digits(1, 1);
  const two = digits(2, 2);
  const free = digits(0, 3);
  const percent = new Intl.NumberFormat(locale, {
    style: "unit",
    unit: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const relative = new Intl.RelativeTimeFormat(locale, { style: "narrow", numeric: "always" });
  const lasting = new Map(
    durationSteps.map(({ unit }) => [
      unit,
      new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "narrow" }),
    ]),
  );
  const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
  const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
  const base = bytes === "binary" ? 1024 : 1000;

  const format: Format = {
    count: (value) => whole.format(value),
    percent: (value) => percent.format(value),
    plain: (value) => free.format(value),
    megabits: (value) =>
      value < 1000
        ? { value: (value < 100 ? two : one).format(value), unit: text.unit.network }
        : { value: two.format(value / 1000), unit: text.unit.gigabit },
    bytes: (value) => {
      let step = 0;
      let size = value;
      for (; size >= base && step < text.unit[bytes].length - 1; step += 1) size /= base;
      const shown = (size < 99.5 && step > 0 ? tenth : whole).format(size);
      return { value: shown, unit: text.unit[bytes][step] ?? "" };
    },
    load: (value) => two.format(value),
    metric: (name, value) => {
      if (Number.isNaN(value)) return text.noValue;
      if (name === "load") return two.format(value);
      if (name !== "network") return percent.format(value);
      const { value: number, unit } = format.megabits(value);
      return `${number} ${unit}`;
    },
    duration: (seconds) => {
      const at = durationSteps.findIndex(({ size }) => seconds >= size);
      if (at < 0) return lasting.get("second")?.format(0) ?? "";
      let left = seconds;
      const parts = durationSteps.slice(at, at + 2).map(({ size, unit }) => {
        const count = Math.floor(left / size);
        left -= count * size;
        return count === 0 ? "" : (lasting.get(unit)?.format(count) ?? "");
      });
      return parts.join(" ").trim();
    },
    ago: (ms) => {
      const seconds = Math.max(0, Math.floor(ms / 1000));
      const step = agoSteps.find(({ upTo }) => seconds < upTo) ?? agoSteps[3];
      return relative.format(-Math.floor(seconds / step.size), step.unit);
    },
    moment: (wallMs) => {
      const near = Math.abs(Date.now() - wallMs) < 12 * 3600 * 1000;
      return (near ? clock : day).format(wallMs);
    },
  };
  return format;
}

/**
 * The age shown for a host. One that reports in time says `now` and does not flicker; only a late
 * one counts.
 */
export function seenText(format: Format, ageMs: number, intervalMs: number): string {
  return ageMs < Math.max(1.5 * intervalMs, 3000) ? text.now : format.ago(ageMs);
}
