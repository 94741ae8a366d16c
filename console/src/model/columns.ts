import { type ColumnName, columnNames, type Sort } from "./route";

/** The columns when the operator chose none. */
export const usualColumns: readonly ColumnName[] = columnNames.filter((name) => name !== "region");

/** The columns that a narrow screen has room for, on cards. */
export const cardColumns: readonly ColumnName[] = [
  "state",
  "name",
  "storage",
  "network",
  "cpu",
  "mem",
  "load",
  "seen",
];

interface Measure {
  /** Least width, rem. */
  readonly width: number;
  /** Share of what is left over. */
  readonly grow: number;
  /** Who goes first when there is no room: the largest. */
  readonly rank: number;
}

export const measures: Readonly<Record<ColumnName, Measure>> = {
  state: { width: 6, grow: 0, rank: 0 },
  name: { width: 12, grow: 4, rank: 0 },
  tags: { width: 8, grow: 1.5, rank: 7 },
  region: { width: 7, grow: 0.5, rank: 8 },
  storage: { width: 7.25, grow: 0.5, rank: 2 },
  network: { width: 7.75, grow: 0, rank: 4 },
  cpu: { width: 7.25, grow: 0.5, rank: 1 },
  mem: { width: 7.25, grow: 0.5, rank: 2 },
  load: { width: 4.5, grow: 0, rank: 4 },
  psi: { width: 5, grow: 0, rank: 6 },
  up: { width: 4.75, grow: 0, rank: 7 },
  seen: { width: 5.75, grow: 0, rank: 3 },
  spark: { width: 7.5, grow: 0, rank: 5 },
};

/** The columns that fit into `rem`; those of least use go first, the others keep their order. */
export function columnsThatFit(asked: readonly ColumnName[], rem: number): readonly ColumnName[] {
  const shown = [...asked];
  const width = (): number => shown.reduce((sum, name) => sum + measures[name].width, 0);
  while (shown.length > 2 && width() > rem) {
    const last = shown.reduce((worst, name) =>
      measures[name].rank >= measures[worst].rank ? name : worst,
    );
    if (measures[last].rank === 0) break;
    shown.splice(shown.indexOf(last), 1);
  }
  return shown;
}

/** `grid-template-columns` for them. */
export function gridTemplate(columns: readonly ColumnName[]): string {
  return columns
    .map((name) => {
      const { width, grow } = measures[name];
      return grow === 0 ? `${width}rem` : `minmax(${width}rem, ${grow}fr)`;
    })
    .join(" ");
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** By id as people count: `web-2` before `web-10`. Never equal for two different ids. */
export function compareIds(a: string, b: string): number {
  return collator.compare(a, b) || (a < b ? -1 : a > b ? 1 : 0);
}

/** True when the order by this column moves with every sample. */
export function isLiveSort(sort: Sort): boolean {
  return !["name", "state", "tags", "region"].includes(sort.key);
}

/** What a click on a column's head asks for: other columns start with their largest values. */
export function nextSort(current: Sort, key: ColumnName): Sort {
  if (current.key === key) return { key, descending: !current.descending };
  return { key, descending: key !== "name" && key !== "tags" && key !== "region" };
}
