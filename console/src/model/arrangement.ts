import { comparator, defaultSort, isLiveSort, type Sort } from "./columns";
import type { Fleet } from "./fleet";
import type { Host } from "./host";

export type StateFilter = "all" | "ok" | "stale";

/** What the operator asked to see. */
export interface Query {
  readonly words: string;
  readonly state: StateFilter;
  readonly sort: Sort;
}

export const defaultQuery: Query = { words: "", state: "all", sort: defaultSort };

/** Rows are put in a new order at most this often, unless the operator asks. */
export const rearrangeEveryMs = 2000;

/** The test of a query: the words anywhere in the id, whatever their case, and the state. */
export function matcher(query: Query): (host: Host) => boolean {
  const words = query.words.trim().toLowerCase();
  return (host) =>
    (query.state === "all" || host.state === query.state) && host.search.includes(words);
}

/**
 * Which hosts are shown, and in what order, such that rows do not jump: the order is renewed at
 * most each two seconds (or with a new list of the whole fleet), and not at all while `held` (the operator points at a row). A held table
 * shows new hosts at its end and keeps the rows of those that went, marked as gone.
 */
export class Arrangement {
  rows: readonly Host[] = [];
  /** Changes of order, comings and goings that wait for the hold to end. */
  waiting = 0;

  private query: Query | null = null;
  private structure = -1;
  private loads = -1;
  private outdated = true;
  private builtAt = Number.NEGATIVE_INFINITY;
  private appended = 0;

  constructor(private readonly fleet: Fleet) {}

  /** Call before each repaint. True when `rows` is another list than before. */
  refresh(query: Query, held: boolean, now: number): boolean {
    const changed = this.structure !== this.fleet.structure;
    this.structure = this.fleet.structure;
    this.outdated ||= changed;
    if (query !== this.query || this.rows.length === 0) return this.rebuild(query, now);
    const replaced = this.loads !== this.fleet.loads;
    const due = !held && (replaced || now - this.builtAt >= rearrangeEveryMs);
    if (due && (this.outdated || isLiveSort(query.sort))) return this.rebuild(query, now);
    return changed ? this.patch(query, held) : false;
  }

  private rebuild(query: Query, now: number): boolean {
    const matches = matcher(query);
    const rows: Host[] = [];
    // The old order first: the sort then has little to move.
    for (const host of this.rows) {
      if (host.state !== "gone" && matches(host)) rows.push(host);
    }
    const kept = new Set(rows);
    for (const host of this.fleet.hosts()) {
      if (!kept.has(host) && matches(host)) rows.push(host);
    }
    rows.sort(comparator(query.sort));
    this.query = query;
    this.loads = this.fleet.loads;
    this.outdated = false;
    this.builtAt = now;
    this.appended = 0;
    this.waiting = 0;
    const same = rows.length === this.rows.length && rows.every((host, i) => host === this.rows[i]);
    if (!same) this.rows = rows;
    return !same;
  }

  /** Nothing moves: a host that returned takes its old place, new ones go to the end if `held`. */
  private patch(query: Query, held: boolean): boolean {
    const rows = this.rows.map((host) =>
      host.state === "gone" ? (this.fleet.get(host.id) ?? host) : host,
    );
    if (held) this.append(rows, query);
    const gone = rows.reduce((sum, host) => sum + (host.state === "gone" ? 1 : 0), 0);
    this.waiting = gone + this.appended;
    this.rows = rows;
    return true;
  }

  private append(rows: Host[], query: Query): void {
    const matches = matcher(query);
    const shown = new Set(rows);
    const before = rows.length;
    for (const host of this.fleet.hosts()) {
      if (!shown.has(host) && matches(host)) rows.push(host);
    }
    this.appended += rows.length - before;
  }
}
