import { safeText } from "./safe";

/** An object of a peer of which nothing is known yet. */
export type Fields = Readonly<Record<string, unknown>>;

const nothing: Fields = {};

export function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Fields)
    : nothing;
}

export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number within `least` and `most`, or `null`. */
export function number(value: unknown, most: number, least = 0): number | null {
  return typeof value === "number" && value >= least && value <= most ? value : null;
}

/** At most `most` elements of a list; none when it is none. */
export function list(value: unknown, most = 256): readonly unknown[] {
  return Array.isArray(value) ? (value as unknown[]).slice(0, most) : [];
}

/** Text fit to be shown, empty when it is none. */
export function shown(value: unknown, limit = 256): string {
  return typeof value === "string" ? safeText(value, limit) : "";
}

/** Text as it came, for addresses and comparisons; empty when it is none or too long. */
export function exact(value: unknown, limit = 1024): string {
  return typeof value === "string" && value.length <= limit ? value : "";
}
