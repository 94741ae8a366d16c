import { Curves } from "./curves";
import {
  type CountedState,
  countedStates,
  defaultIntervalMs,
  type Facts,
  type HostState,
  metricMax,
  noFacts,
  noVerdict,
  type Reading,
  readId,
  readNumber,
  readRecord,
  readState,
  readTags,
  readText,
  readVerdict,
  staleAfterMs,
  stateNames,
  type Verdict,
} from "./host";
import { type MetricName, metricNames } from "./route";
import { type Label, makeLabel } from "./safe";

export type Counts = Readonly<Record<CountedState, number>> & { readonly total: number };

/** A host's number in the store; another host may have it after this one went. */
export type Slot = number;

/** One host as plain values, for views that show one. */
export interface HostRow {
  readonly id: string;
  readonly label: Label;
  readonly facts: Facts;
  readonly modern: boolean;
  readonly state: HostState;
  readonly flags: number;
  readonly metrics: Readonly<Record<MetricName, number>>;
  readonly up: number;
  readonly seenAt: number;
  readonly intervalMs: number;
  readonly verdict: Verdict;
}

/** Where the columns of a node's rows are. */
export type RowOrder = ReadonlyMap<string, number>;

export function readOrder(cols: unknown): RowOrder | null {
  if (!Array.isArray(cols) || cols.length > 64) return null;
  const order = new Map(cols.map((name, at) => [String(name), at]));
  return order.has("id") ? order : null;
}

const gone = stateNames.indexOf("gone");

/**
 * The hosts by id, in columns: arrays with one place for each host. An update costs one look-up
 * and some writes, whatever the size of the fleet; nothing is kept of a message.
 */
export class Fleet {
  /** Grows when a host comes or goes: the list of rows may have to be made anew. */
  structure = 0;
  /** Grows when a host changes state or flags. */
  turns = 0;
  /** Grows when name, region or tags of a host change. */
  renames = 0;
  /** Times the whole list was replaced. */
  loads = 0;
  /** Samples taken in. */
  samples = 0;
  /** Updates dropped because they had no id or were older than what is known. */
  dropped = 0;

  readonly curves = new Curves();

  /** By slot; an empty id is a free slot. */
  readonly ids: string[] = [];
  readonly facts: Facts[] = [];
  readonly verdicts: Verdict[] = [];
  states = new Uint8Array(0);
  flags = new Uint8Array(0);
  modern = new Uint8Array(0);
  /** In the order of `metricNames`; NaN: not known. */
  metrics: Float32Array[] = metricNames.map(() => new Float32Array(0));
  up = new Float64Array(0);
  /** Grows when something of the host is different. */
  revs = new Uint32Array(0);

  private readonly byId = new Map<string, Slot>();
  private readonly tally = countedStates.map(() => 0);
  private readonly labels: (Label | undefined)[] = [];
  private readonly runs: string[] = [];
  private seqs = new Float64Array(0);
  private intervals = new Float64Array(0);
  /** The node's clock, or this page's own for nodes that do not tell: see `skew`. */
  private seen = new Float64Array(0);
  /** Add to `seen` for the page's clock. */
  private skew = 0;
  private capacity = 0;
  private readonly free: Slot[] = [];
  /** Hosts that went, by id; a row may still show them. */
  private readonly limbo = new Map<string, Slot>();
  private staging: Set<string> | null = null;
  /** The page itself says who is silent: the node sends no states. */
  private judgesSilence = false;

  /** `onChange` hears of changes of state; a host that comes was `gone`, one that goes is. */
  constructor(
    private readonly onChange: (slot: Slot, from: HostState, to: HostState) => void = () => {},
  ) {}

  find(id: string): Slot | undefined {
    return this.byId.get(id);
  }

  get size(): number {
    return this.byId.size;
  }

  /** Slots of all hosts, without those that went. */
  slots(): IterableIterator<Slot> {
    return this.byId.values();
  }

  get counts(): Counts {
    const [ok = 0, warn = 0, crit = 0, stale = 0, offline = 0] = this.tally;
    return { total: this.byId.size, ok, warn, crit, stale, offline };
  }

  id(slot: Slot): string {
    return this.ids[slot] ?? "";
  }

  /** The id as it may be shown. */
  label(slot: Slot): Label {
    return (this.labels[slot] ??= makeLabel(this.id(slot)));
  }

  state(slot: Slot): HostState {
    return stateNames[this.states[slot] ?? gone] ?? "gone";
  }

  rev(slot: Slot): number {
    return this.revs[slot] ?? 0;
  }

  isModern(slot: Slot): boolean {
    return this.modern[slot] === 1;
  }

  metric(slot: Slot, name: MetricName): number {
    return this.metrics[metricNames.indexOf(name)]?.[slot] ?? Number.NaN;
  }

  /** Page's clock, ms, when the newest sample came. */
  seenAt(slot: Slot): number {
    return (this.seen[slot] ?? 0) + this.skew;
  }

  intervalMs(slot: Slot): number {
    return this.intervals[slot] ?? defaultIntervalMs;
  }

  verdict(slot: Slot): Verdict {
    return this.verdicts[slot] ?? noVerdict;
  }

  factsOf(slot: Slot): Facts {
    return this.facts[slot] ?? noFacts;
  }

  /** What stands before the colon of tags, the most frequent first. Walks the fleet. */
  tagKeys(most = 12): readonly string[] {
    const counts = new Map<string, number>();
    for (const slot of this.slots()) {
      for (const tag of this.factsOf(slot).tags) {
        const colon = tag.indexOf(":");
        if (colon < 1) continue;
        const key = tag.slice(0, colon);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    }
    return [...counts]
      .sort((a, b) => b[1] - a[1])
      .slice(0, most)
      .map(([key]) => key);
  }

  row(slot: Slot): HostRow {
    const metrics = Object.fromEntries(metricNames.map((name) => [name, this.metric(slot, name)]));
    return {
      id: this.id(slot),
      label: this.label(slot),
      facts: this.factsOf(slot),
      modern: this.isModern(slot),
      state: this.state(slot),
      flags: this.flags[slot] ?? 0,
      metrics: metrics as Record<MetricName, number>,
      up: this.up[slot] ?? Number.NaN,
      seenAt: this.seenAt(slot),
      intervalMs: this.intervalMs(slot),
      verdict: this.verdict(slot),
    };
  }

  // What nodes of the first version say.

  /**
   * `load_clients`: the whole truth of the node. Hosts not in it go; a host whose newest sample is
   * still the one known here keeps its age. False when `list` is no list.
   */
  replaceAll(list: unknown, now: number): boolean {
    if (!Array.isArray(list)) return false;
    this.judgesSilence = true;
    this.skew = 0;
    this.begin();
    for (const record of list) {
      const reading = this.judge(record);
      if (reading !== null) this.putReading(reading, now);
    }
    this.end();
    return true;
  }

  /** `web_client_update`: a host is changed, or added when it was not known. */
  update(record: unknown, now: number): void {
    this.judgesSilence = true;
    const reading = this.judge(record);
    if (reading !== null) this.putReading(reading, now);
  }

  /** `web_client_disconnect` and the `gone` of deltas: the bare id of a host that went. */
  remove(id: unknown): void {
    const known = readId(id);
    const slot = known === null ? undefined : this.byId.get(known);
    if (slot !== undefined) this.drop(slot);
  }

  // What nodes of the second version say.

  /** The first rows of a snapshot come; hosts that no row names until `end` go. */
  begin(): void {
    this.staging = new Set();
  }

  end(): void {
    const named = this.staging;
    this.staging = null;
    if (named === null) return;
    for (const [id, slot] of this.byId) if (!named.has(id)) this.drop(slot);
    this.loads += 1;
  }

  /** Rows of a snapshot or a delta, in the order of columns that the snapshot named. */
  putRows(order: RowOrder, rows: unknown, now: number): void {
    if (!Array.isArray(rows)) return;
    this.judgesSilence = false;
    for (const row of rows as unknown[]) {
      if (Array.isArray(row)) this.putRow(order, row, now);
      else this.dropped += 1;
    }
  }

  /** A host turned, said before its row comes. */
  turn(id: unknown, to: unknown, verdict: Verdict): void {
    const known = readId(id);
    const slot = known === null ? undefined : this.byId.get(known);
    const state = readState(to);
    if (slot === undefined || state === null) return;
    this.verdicts[slot] = state === "ok" ? noVerdict : verdict;
    this.setState(slot, state);
  }

  /** Marks the hosts that have been silent for too long, where the node does not. Once a second. */
  tick(now: number): void {
    if (!this.judgesSilence) return;
    for (const slot of this.byId.values()) {
      const silent = now - this.seenAt(slot) > staleAfterMs(this.intervalMs(slot));
      if (silent && this.state(slot) !== "stale") this.setState(slot, "stale");
    }
  }

  /** The slots of hosts that went are used anew from now on: no row shows them any more. */
  release(): void {
    for (const slot of this.limbo.values()) {
      this.ids[slot] = "";
      this.labels[slot] = undefined;
      this.facts[slot] = noFacts;
      this.free.push(slot);
    }
    this.limbo.clear();
  }

  private judge(record: unknown): Reading | null {
    const reading = readRecord(record);
    if (reading === null) this.dropped += 1;
    return reading;
  }

  private putReading(reading: Reading, now: number): void {
    this.staging?.add(reading.id);
    const known = this.byId.get(reading.id);
    if (known !== undefined && this.isOld(known, reading)) {
      this.dropped += 1;
      return;
    }
    const slot = known ?? this.take(reading.id);
    this.runs[slot] = reading.run;
    this.seqs[slot] = reading.seq;
    this.intervals[slot] = reading.intervalMs;
    this.modern[slot] = reading.modern ? 1 : 0;
    metricNames.forEach((name, at) => {
      const column = this.metrics[at];
      if (column) column[slot] = reading.metrics[name];
    });
    this.up[slot] = reading.up;
    this.seen[slot] = now - this.skew;
    if (reading.facts !== null) this.setFacts(slot, reading.facts);
    this.verdicts[slot] = reading.verdict;
    this.sampled(slot, now, known === undefined, reading.state);
  }

  private putRow(order: RowOrder, row: readonly unknown[], now: number): void {
    const of = (name: string): unknown => {
      const at = order.get(name);
      return at === undefined ? undefined : row[at];
    };
    const id = readId(of("id"));
    if (id === null) {
      this.dropped += 1;
      return;
    }
    this.staging?.add(id);
    const known = this.byId.get(id);
    const slot = known ?? this.take(id);
    const version = of("v");
    const modern = !(typeof version === "number" && version < 2);
    this.modern[slot] = modern ? 1 : 0;
    for (let at = 0; at < metricNames.length; at += 1) {
      const name = metricNames[at] ?? "cpu";
      const column = this.metrics[at];
      if (column) column[slot] = readNumber(of(name), metricMax(name, modern));
    }
    this.up[slot] = readNumber(of("up"), 1e11);
    const seen = readNumber(of("seen"), Number.MAX_SAFE_INTEGER);
    if (!Number.isNaN(seen)) {
      this.seen[slot] = seen;
      // The newest sample ever seen tells best how far the two clocks are apart.
      if (this.skew === 0 || now - seen < this.skew) this.skew = now - seen;
    }
    this.readFacts(slot, of);
    const rule = of("rule");
    this.verdicts[slot] =
      rule == null ? noVerdict : readVerdict(rule, of("value"), of("limit"), of("since"));
    const flags = readNumber(of("flags"), 255) || 0;
    if (flags !== this.flags[slot]) {
      this.flags[slot] = flags;
      this.turns += 1;
    }
    this.sampled(slot, now, known === undefined, readState(of("state")) ?? "ok");
  }

  private sampled(slot: Slot, now: number, isNew: boolean, state: CountedState): void {
    this.samples += 1;
    this.revs[slot] = this.rev(slot) + 1;
    if (state !== "stale" && state !== "offline") this.curves.note(slot, now, this.metrics);
    if (!isNew) {
      this.setState(slot, state);
      return;
    }
    const at = countedStates.indexOf(state);
    this.states[slot] = at;
    this.tally[at] = (this.tally[at] ?? 0) + 1;
    if (this.loads > 0) this.onChange(slot, "gone", state); // before the first list none is new
  }

  private readFacts(slot: Slot, of: (name: string) => unknown): void {
    const last = this.factsOf(slot);
    const [name, region, tags] = [of("name"), of("region"), of("tags")];
    const os = of("os") ?? last.os; // not every form of rows has it
    const sameTags =
      Array.isArray(tags) &&
      tags.length === last.tags.length &&
      tags.every((tag, at) => tag === last.tags[at]);
    const sameWords = (name ?? "") === last.name && (region ?? "") === last.region;
    if (sameTags && sameWords && os === last.os) return;
    const next = sameTags ? last.tags : readTags(tags);
    this.setFacts(slot, {
      name: readText(name),
      region: readText(region),
      os: readText(os),
      tags: next,
    });
  }

  private setFacts(slot: Slot, facts: Facts): void {
    const last = this.facts[slot];
    const { name, region, os, tags } = facts;
    const same =
      last?.name === name &&
      last.region === region &&
      last.os === os &&
      last.tags.join("\n") === tags.join("\n");
    if (same) return;
    this.facts[slot] = facts;
    this.renames += 1;
  }

  /** True when `next` is not newer than what is known: the same run, a sequence not above. */
  private isOld(slot: Slot, next: Reading): boolean {
    const last = this.seqs[slot] ?? Number.NaN;
    return next.run !== "" && this.runs[slot] === next.run && next.seq <= last;
  }

  /** A slot for a host that is not in the fleet: its old one if a row may still show that. */
  private take(id: string): Slot {
    const back = this.limbo.get(id);
    const slot = back ?? this.free.pop() ?? this.ids.length;
    if (slot >= this.capacity) this.grow();
    if (back === undefined) {
      this.ids[slot] = id;
      this.labels[slot] = undefined;
      this.facts[slot] = noFacts;
      this.curves.clear(slot);
    } else {
      this.limbo.delete(id);
    }
    this.runs[slot] = "";
    this.flags[slot] = 0;
    this.intervals[slot] = defaultIntervalMs;
    this.byId.set(id, slot);
    this.structure += 1;
    return slot;
  }

  private drop(slot: Slot): void {
    const at = this.states[slot] ?? gone;
    this.byId.delete(this.id(slot));
    this.tally[at] = (this.tally[at] ?? 1) - 1;
    this.states[slot] = gone; // a row that still shows it says so until rows are arranged anew
    this.revs[slot] = this.rev(slot) + 1;
    this.limbo.set(this.id(slot), slot);
    this.structure += 1;
    this.onChange(slot, stateNames[at] ?? "ok", "gone");
  }

  private setState(slot: Slot, state: CountedState): void {
    const from = this.states[slot] ?? 0;
    const to = countedStates.indexOf(state);
    if (from === to) return;
    this.states[slot] = to;
    this.tally[from] = (this.tally[from] ?? 1) - 1;
    this.tally[to] = (this.tally[to] ?? 0) + 1;
    this.revs[slot] = this.rev(slot) + 1;
    this.turns += 1;
    this.onChange(slot, stateNames[from] ?? "ok", state);
  }

  private grow(): void {
    const size = Math.max(256, this.capacity * 2);
    const wider = <Numbers extends { set(from: Numbers): void }>(to: Numbers, from: Numbers) => {
      to.set(from);
      return to;
    };
    this.states = wider(new Uint8Array(size), this.states);
    this.flags = wider(new Uint8Array(size), this.flags);
    this.modern = wider(new Uint8Array(size), this.modern);
    this.metrics = this.metrics.map((column) => wider(new Float32Array(size), column));
    this.up = wider(new Float64Array(size), this.up);
    this.revs = wider(new Uint32Array(size), this.revs);
    this.seqs = wider(new Float64Array(size), this.seqs);
    this.intervals = wider(new Float64Array(size), this.intervals);
    this.seen = wider(new Float64Array(size), this.seen);
    this.curves.grow(size);
    this.capacity = size;
  }
}
