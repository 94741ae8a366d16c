import { type ColumnName, columnNames } from "./route";

export const themes = ["system", "light", "dark", "contrast"] as const;
export type Theme = (typeof themes)[number];

export const byteUnits = ["binary", "decimal"] as const;
export type ByteUnits = (typeof byteUnits)[number];

/** What this browser remembers for its operator. */
export interface Prefs {
  readonly theme: Theme;
  readonly bytes: ByteUnits;
  /** `null`: the usual ones. */
  readonly columns: readonly ColumnName[] | null;
}

export const defaultPrefs: Prefs = { theme: "system", bytes: "binary", columns: null };

/** Where they are kept; both may throw, as `localStorage` does when it is not allowed. */
export type PrefsPlace = Pick<Storage, "getItem" | "setItem">;

const name = "mad.prefs";

function oneOf<Value>(of: readonly Value[], value: unknown): Value | null {
  return of.includes(value as Value) ? (value as Value) : null;
}

/** Reads what is kept; what is not there, or not right, is as by default. */
export function loadPrefs(place: PrefsPlace | null): Prefs {
  let kept: Record<string, unknown> = {};
  try {
    const value: unknown = JSON.parse(place?.getItem(name) ?? "{}");
    if (typeof value === "object" && value !== null) kept = value as Record<string, unknown>;
  } catch {
    return defaultPrefs;
  }
  const { columns } = kept;
  return {
    theme: oneOf(themes, kept.theme) ?? defaultPrefs.theme,
    bytes: oneOf(byteUnits, kept.bytes) ?? defaultPrefs.bytes,
    columns: Array.isArray(columns)
      ? columnNames.filter((column) => column === "name" || columns.includes(column))
      : null,
  };
}

export function savePrefs(place: PrefsPlace | null, prefs: Prefs): void {
  try {
    place?.setItem(name, JSON.stringify(prefs));
  } catch {
    // Not allowed, or full: the choice holds until the page goes.
  }
}
