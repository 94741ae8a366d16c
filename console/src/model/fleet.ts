import { type Host, isOld, makeHost, type Reading, readId, readRecord, staleAfterMs } from "./host";

export type ChangeKind = "stale" | "ok" | "joined" | "left";

export interface Counts {
  readonly all: number;
  readonly ok: number;
  readonly stale: number;
}

/**
 * All hosts by id, kept up from the events of the node. An update costs one look-up; nothing here
 * walks the fleet but `replaceAll` and the one-second `tick`.
 */
export class Fleet {
  /** Grows when a host comes, goes or changes state: the order of rows may have to be made anew. */
  structure = 0;
  /** Times the whole list was replaced. */
  loads = 0;
  /** Updates dropped because they had no id or were older than what is known. */
  dropped = 0;

  private readonly byId = new Map<string, Host>();
  private stale = 0;

  constructor(private readonly onChange: (kind: ChangeKind, host: Host) => void = () => {}) {}

  get(id: string): Host | undefined {
    return this.byId.get(id);
  }

  hosts(): IterableIterator<Host> {
    return this.byId.values();
  }

  get counts(): Counts {
    const all = this.byId.size;
    return { all, ok: all - this.stale, stale: this.stale };
  }

  /**
   * `load_clients`: the whole truth of the node. Hosts not in it go; a host whose newest sample is
   * still the one known here keeps its age. False when `list` is no list.
   */
  replaceAll(list: unknown, now: number): boolean {
    if (!Array.isArray(list)) return false;
    const named = new Set<string>();
    for (const record of list) {
      const reading = this.judge(record);
      if (reading === null) continue;
      named.add(reading.id);
      this.put(reading, now);
    }
    for (const host of this.byId.values()) {
      if (!named.has(host.id)) this.drop(host);
    }
    this.loads += 1;
    return true;
  }

  /** `web_client_update`: a host is changed, or added when it was not known. */
  update(record: unknown, now: number): void {
    const reading = this.judge(record);
    if (reading !== null) this.put(reading, now);
  }

  /** `web_client_disconnect`: the bare id of a host that went. */
  remove(id: unknown): void {
    const known = readId(id);
    const host = known === null ? undefined : this.byId.get(known);
    if (host !== undefined) this.drop(host);
  }

  /** Marks the hosts that have been silent for too long. Call each second while live. */
  tick(now: number): void {
    for (const host of this.byId.values()) {
      if (host.state === "ok" && now - host.seenAt > staleAfterMs(host)) {
        this.setState(host, "stale");
      }
    }
  }

  private judge(record: unknown): Reading | null {
    const reading = readRecord(record);
    if (reading === null) this.dropped += 1;
    return reading;
  }

  private put(reading: Reading, now: number): void {
    const known = this.byId.get(reading.id);
    if (known === undefined) {
      const host = makeHost(reading, now);
      this.byId.set(host.id, host);
      this.structure += 1;
      if (this.loads > 0) this.onChange("joined", host); // before the first list nobody is new
      return;
    }
    if (isOld(known.reading, reading)) {
      this.dropped += 1;
      return;
    }
    known.reading = reading;
    known.seenAt = now;
    known.rev += 1;
    if (known.state !== "ok") this.setState(known, "ok");
  }

  private drop(host: Host): void {
    this.byId.delete(host.id);
    if (host.state === "stale") this.stale -= 1;
    host.state = "gone"; // a row that still shows it says so until rows are arranged anew
    host.rev += 1;
    this.structure += 1;
    this.onChange("left", host);
  }

  private setState(host: Host, state: "ok" | "stale"): void {
    host.state = state;
    host.rev += 1;
    this.stale += state === "stale" ? 1 : -1;
    this.structure += 1;
    this.onChange(state, host);
  }
}
