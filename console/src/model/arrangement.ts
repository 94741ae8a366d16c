import { compareIds, isLiveSort } from "./columns";
import type { Counts, Fleet, Slot } from "./fleet";
import { countedStates, type HostState, severity } from "./host";
import type { MetricName, Query, Sort } from "./route";
import {
  isProblem,
  parseSearch,
  type Search,
  type SearchProblem,
  searchAll,
  type Subject,
} from "./search";

/** Rows are put in a new order at most this often, unless the operator asks. */
export const rearrangeEveryMs = 2000;

/** Hosts that have something in common. */
export interface Group {
  /** What they have: a region, a state, the tag's value; empty: nothing of it. */
  readonly key: string;
  readonly counts: Counts;
  readonly worst: HostState;
  readonly collapsed: boolean;
  readonly slots: readonly Slot[];
}

/** One row: a host, or the head of a group. */
export type Entry =
  { readonly slot: Slot; readonly group: null } | { readonly slot: null; readonly group: Group };

/** Looks at one slot after the other without making anything. */
class SlotView implements Subject {
  slot = 0;
  constructor(private readonly fleet: Fleet) {}
  get id(): string {
    return this.fleet.id(this.slot);
  }
  get name(): string {
    return this.fleet.factsOf(this.slot).name;
  }
  get region(): string {
    return this.fleet.factsOf(this.slot).region;
  }
  get os(): string {
    return this.fleet.factsOf(this.slot).os;
  }
  get tags(): readonly string[] {
    return this.fleet.factsOf(this.slot).tags;
  }
  get state(): HostState {
    return this.fleet.state(this.slot);
  }
  get flags(): number {
    return this.fleet.flags[this.slot] ?? 0;
  }
  number(of: MetricName | "up"): number {
    return of === "up"
      ? (this.fleet.up[this.slot] ?? Number.NaN)
      : this.fleet.metric(this.slot, of);
  }
}

type Asked = Pick<Query, "q" | "sort" | "group">;

/**
 * Which hosts are shown, and in what order, such that rows do not jump: the order is renewed at
 * most each two seconds (or with a new list of the whole fleet), and not at all while `held` (the
 * operator points at a row). A held table shows new hosts at its end and keeps the rows of those
 * that went, marked as gone.
 */
export class Arrangement {
  /** Hosts by slot, heads of groups as `~index` into `groups`. */
  entries: readonly number[] = [];
  groups: readonly Group[] = [];
  /** Hosts that match, whether their group is open or not. */
  matched: readonly Slot[] = [];
  /** Comings and goings that wait for the hold to end. */
  waiting = 0;
  /** What is wrong with the search; the last one that was right stays in force. */
  problem: SearchProblem | null = null;
  search: Search = searchAll;
  /** What the small curves show. */
  metric: MetricName = "cpu";

  private asked: Asked | null = null;
  private collapsed: ReadonlySet<string> = new Set();
  private readonly view: SlotView;
  private seenStructure = -1;
  private patched = -1;
  private seenTurns = -1;
  private seenNames = -1;
  private loads = -1;
  private builtAt = Number.NEGATIVE_INFINITY;
  /** All hosts by id, kept in order as they come and go. */
  private ordered: Slot[] = [];
  private orderedIds = new Map<Slot, string>();
  private ranks = new Uint32Array(0);
  private rankedStructure = -1;
  private appended = 0;

  constructor(private readonly fleet: Fleet) {
    this.view = new SlotView(fleet);
  }

  /** What a row is. */
  entry(at: number): Entry | null {
    const value = this.entries[at];
    if (value === undefined) return null;
    if (value >= 0) return { slot: value, group: null };
    const group = this.groups[~value];
    return group === undefined ? null : { slot: null, group };
  }

  /** Where a host's row is, or -1. */
  indexOf(slot: Slot): number {
    return this.entries.indexOf(slot);
  }

  /** Call before each repaint. True when `entries` is another list than before. */
  refresh(asked: Asked, collapsed: ReadonlySet<string>, held: boolean, now: number): boolean {
    const last = this.asked;
    const other =
      last === null ||
      last.q !== asked.q ||
      last.sort.key !== asked.sort.key ||
      last.sort.descending !== asked.sort.descending ||
      last.group !== asked.group ||
      this.collapsed !== collapsed;
    if (last?.q !== asked.q) this.read(asked.q);
    this.asked = asked;
    this.collapsed = collapsed;
    if (other || this.entries.length === 0) return this.rebuild(asked, now);
    const replaced = this.loads !== this.fleet.loads;
    const due = !held && (replaced || now - this.builtAt >= rearrangeEveryMs);
    if (due && this.isOutdated(asked)) return this.rebuild(asked, now);
    return this.patched !== this.fleet.structure ? this.patch(held) : false;
  }

  private read(text: string): void {
    const search = parseSearch(text);
    if (isProblem(search)) {
      this.problem = search;
    } else {
      this.problem = null;
      this.search = search;
    }
  }

  private isOutdated({ sort, group }: Asked): boolean {
    const { fleet, search } = this;
    if (this.seenStructure !== fleet.structure) return true;
    if (isLiveSort(sort) || search.live) return true;
    const byState = sort.key === "state" || search.turns || group !== "";
    if (byState && this.seenTurns !== fleet.turns) return true;
    const byName = !search.empty || group !== "" || sort.key === "tags" || sort.key === "region";
    return byName && this.seenNames !== fleet.renames;
  }

  private rebuild(asked: Asked, now: number): boolean {
    const { fleet, view, search } = this;
    this.rank();
    const matched: Slot[] = [];
    for (const slot of this.ordered) {
      view.slot = slot;
      if (search.matches(view)) matched.push(slot);
    }
    this.sort(matched, asked.sort);
    this.groups = asked.group === "" ? [] : this.gather(matched, asked.group);
    const entries: number[] = asked.group === "" ? matched : [];
    this.groups.forEach((group, at) => {
      entries.push(~at);
      if (!group.collapsed) for (const slot of group.slots) entries.push(slot);
    });
    this.matched = matched;
    this.loads = fleet.loads;
    this.seenStructure = this.patched = fleet.structure;
    this.seenTurns = fleet.turns;
    this.seenNames = fleet.renames;
    this.builtAt = now;
    this.waiting = 0;
    this.appended = 0;
    fleet.release();
    const { entries: last } = this;
    const same = entries.length === last.length && entries.every((entry, i) => entry === last[i]);
    if (!same || asked.group !== "") this.entries = entries;
    return !same;
  }

  /** Keeps `ordered` in order: a few hosts that come are put in their place, many sort anew. */
  private rank(): void {
    const { fleet } = this;
    if (this.rankedStructure === fleet.structure) return;
    this.rankedStructure = fleet.structure;
    const known = new Set<Slot>();
    const stays = (slot: Slot): boolean =>
      fleet.state(slot) !== "gone" && this.orderedIds.get(slot) === fleet.id(slot);
    const kept = this.ordered.filter(stays);
    for (const slot of kept) known.add(slot);
    const came = [...fleet.slots()].filter((slot) => !known.has(slot));
    came.sort((a, b) => compareIds(fleet.id(a), fleet.id(b)));
    this.ordered = this.merge(kept, came);
    this.orderedIds = new Map(this.ordered.map((slot) => [slot, fleet.id(slot)]));
    if (this.ranks.length < fleet.states.length) this.ranks = new Uint32Array(fleet.states.length);
    this.ordered.forEach((slot, at) => {
      this.ranks[slot] = at;
    });
  }

  private merge(kept: Slot[], came: Slot[]): Slot[] {
    if (came.length === 0) return kept;
    if (kept.length === 0) return came;
    const merged: Slot[] = [];
    let from = 0;
    for (const slot of came) {
      const id = this.fleet.id(slot);
      let low = from;
      let high = kept.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (compareIds(this.fleet.id(kept[middle] ?? 0), id) < 0) low = middle + 1;
        else high = middle;
      }
      while (from < low) merged.push(kept[from++] ?? 0);
      merged.push(slot);
    }
    while (from < kept.length) merged.push(kept[from++] ?? 0);
    return merged;
  }

  private sort(slots: Slot[], { key, descending }: Sort): void {
    if (key === "name") {
      if (descending) slots.reverse();
      return;
    }
    const { fleet, ranks } = this;
    const sign = descending ? -1 : 1;
    const tie = (a: Slot, b: Slot): number => (ranks[a] ?? 0) - (ranks[b] ?? 0);
    if (key === "tags" || key === "region") {
      const text = (slot: Slot): string => {
        const { tags, region } = fleet.factsOf(slot);
        return key === "tags" ? tags.join(" ") : region;
      };
      slots.sort((a, b) => {
        const [x, y] = [text(a), text(b)];
        if (x === y) return tie(a, b);
        if (x === "") return 1;
        return y === "" ? -1 : x < y ? -sign : sign;
      });
      return;
    }
    // Weights are read once: values do not move while they are compared.
    const weights = new Float64Array(fleet.states.length);
    for (const slot of slots) weights[slot] = this.weight(slot, key);
    slots.sort((a, b) => {
      const [x, y] = [weights[a] ?? 0, weights[b] ?? 0];
      if (x === y || (Number.isNaN(x) && Number.isNaN(y))) return tie(a, b);
      if (Number.isNaN(x)) return 1;
      return Number.isNaN(y) ? -1 : sign * (x - y);
    });
  }

  /** What a column is ordered by; larger is worse or more. NaN: not known, always last. */
  private weight(slot: Slot, key: Exclude<Sort["key"], "name" | "tags" | "region">): number {
    const { fleet } = this;
    switch (key) {
      case "state":
        return severity[fleet.state(slot)];
      case "up":
        return fleet.up[slot] ?? Number.NaN;
      case "seen":
        return isSilent(fleet.state(slot)) ? -fleet.seenAt(slot) : Number.NEGATIVE_INFINITY;
      case "spark":
        return fleet.metric(slot, this.metric);
      default:
        return fleet.metric(slot, key);
    }
  }

  private gather(slots: readonly Slot[], by: string): Group[] {
    const byKey = new Map<string, Slot[]>();
    for (const slot of slots) {
      const key = this.keyOf(slot, by);
      const there = byKey.get(key);
      if (there === undefined) byKey.set(key, [slot]);
      else there.push(slot);
    }
    const groups = [...byKey].map(([key, of]) => this.group(key, of));
    return groups.sort((a, b) =>
      by === "state"
        ? severity[b.worst] - severity[a.worst]
        : (a.key === "" ? 1 : 0) - (b.key === "" ? 1 : 0) || compareIds(a.key, b.key),
    );
  }

  private keyOf(slot: Slot, by: string): string {
    if (by === "state") return this.fleet.state(slot);
    const { region, tags } = this.fleet.factsOf(slot);
    if (by === "region") return region;
    const name = by.slice("tag:".length);
    for (const tag of tags) {
      if (tag === name) return tag;
      if (tag.startsWith(`${name}:`)) return tag.slice(name.length + 1);
    }
    return "";
  }

  private group(key: string, slots: readonly Slot[]): Group {
    const counts = { total: slots.length, ok: 0, warn: 0, crit: 0, stale: 0, offline: 0 };
    for (const slot of slots) {
      const state = this.fleet.state(slot);
      if (state !== "gone") counts[state] += 1;
    }
    const worst = countedStates
      .filter((state) => counts[state] > 0)
      .reduce((a, b) => (severity[b] > severity[a] ? b : a), "ok");
    return { key, counts, worst, collapsed: this.collapsed.has(key), slots };
  }

  /** Nothing moves: a host that returned has its old place, new ones go to the end if `held`. */
  private patch(held: boolean): boolean {
    const { fleet, view } = this;
    this.patched = fleet.structure;
    const shown = new Set(this.matched);
    const came: Slot[] = [];
    for (const slot of fleet.slots()) {
      view.slot = slot;
      if (!shown.has(slot) && this.search.matches(view)) came.push(slot);
    }
    const went = this.matched.filter((slot) => fleet.state(slot) === "gone").length;
    if (held && came.length > 0 && this.groups.length === 0) {
      came.sort((a, b) => compareIds(fleet.id(a), fleet.id(b)));
      this.entries = this.matched = [...this.matched, ...came];
      this.appended += came.length;
      this.waiting = went + this.appended;
      return true;
    }
    this.waiting = went + came.length + this.appended;
    return went > 0;
  }
}

/** True for a host whose newest sample is not fresh. */
export function isSilent(state: HostState): boolean {
  return state === "stale" || state === "offline" || state === "gone";
}
