import type { Units } from "./units";

const percents = [
  "storage",
  "inodes",
  "cpu",
  "steal",
  "mem",
  "swap",
  "psi",
  "psi_cpu",
  "psi_mem",
  "psi_io",
];

/** A value that a rule judges, with its unit as far as what it judges tells that. */
export function ruleValue(units: Units, what: string, value: number): string {
  if (percents.includes(what)) return units.percent(value);
  if (what === "temp" || what === "temp_left") return units.celsius(value);
  if (what === "network") return units.megabits(value);
  if (what === "clock" || what === "uptime") return `${units.plain(value)} s`;
  return units.plain(value);
}
