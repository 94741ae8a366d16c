import type { Fleet, Slot } from "./fleet";
import { flagsOf } from "./host";
import { metricNames } from "./route";

const head = ["id", "name", "state", "flags", "region", "tags", ...metricNames, "up", "rule"];

/** One field. A text that a table program would take for a formula is kept from it. */
function field(value: string | number): string {
  if (typeof value === "number") return Number.isNaN(value) ? "" : String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Hosts as a table in text (RFC 4180), numbers as programs write them, in the order given. */
export function csvOf(fleet: Fleet, slots: readonly Slot[]): string {
  const lines = slots.map((slot) => {
    const { name, region, tags } = fleet.factsOf(slot);
    const numbers = metricNames.map((metric) => Number(fleet.metric(slot, metric).toPrecision(6)));
    return [
      fleet.id(slot),
      name,
      fleet.state(slot),
      flagsOf(fleet.flags[slot] ?? 0).join(" "),
      region,
      tags.join(" "),
      ...numbers,
      fleet.up[slot] ?? Number.NaN,
      fleet.verdict(slot).rule,
    ];
  });
  return [head, ...lines].map((line) => `${line.map(field).join(",")}\r\n`).join("");
}
