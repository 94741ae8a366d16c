import type { Format } from "./format";
import type { MetricName } from "./route";

/** Numbers with their units as the reader's locale writes them, for pages that show all of them. */
export interface Units {
  readonly percent: (value: number) => string;
  readonly bytes: (value: number) => string;
  /** Bytes per second, decimal as for links. */
  readonly rate: (value: number) => string;
  /** Mbit/s. */
  readonly megabits: (value: number) => string;
  readonly celsius: (value: number) => string;
  readonly milliseconds: (value: number) => string;
  /** A number without a unit. */
  readonly plain: (value: number) => string;
  readonly count: (value: number) => string;
  readonly duration: (seconds: number) => string;
  /** Time of day, with the day when it is not today's. */
  readonly time: (ms: number) => string;
  /** Hour and minute. */
  readonly hour: (ms: number) => string;
  readonly metric: (metric: MetricName, value: number) => string;
}

const rateSteps = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"] as const;

/** `undefined`: the browser's own locale. */
export function createUnits(format: Format, locale?: string): Units {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  const tenth = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
  const two = new Intl.NumberFormat(locale, { maximumFractionDigits: 2 });
  const hour = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
  return {
    count: (value) => format.count(value),
    percent: (value) => format.percent(value),
    metric: (metric, value) => format.metric(metric, value),
    duration: (seconds) => format.duration(seconds),
    bytes: (value) => {
      const { value: size, unit } = format.bytes(value);
      return `${size} ${unit}`;
    },
    rate: (value) => {
      let step = 0;
      let size = value;
      for (; size >= 1000 && step < rateSteps.length - 1; step += 1) size /= 1000;
      return `${(size < 99.5 && step > 0 ? tenth : whole).format(size)} ${rateSteps[step] ?? ""}`;
    },
    megabits: (value) => format.metric("network", value),
    celsius: (value) => `${tenth.format(value)} °C`,
    milliseconds: (value) => `${two.format(value)} ms`,
    plain: (value) => two.format(value),
    time: (ms) => format.moment(ms),
    hour: (ms) => hour.format(ms),
  };
}
