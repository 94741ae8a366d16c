import type { ClientSocket } from "../src/net/link";

interface RecordParts {
  seq?: number;
  run?: string;
  interval?: number;
  health?: Record<string, unknown>;
}

/** A record of a mad agent as a node passes it on. */
export function modernRecord(id: string, parts: RecordParts = {}): Record<string, unknown> {
  return {
    id,
    v: 2,
    run: parts.run ?? "run-1",
    seq: parts.seq ?? 1,
    interval_ms: parts.interval ?? 2500,
    health: {
      storage: 37.4,
      network: 1.844,
      cpu: { pct: 12.3 },
      load: [0.42, 0.51, 0.47],
      mem: { total: 16_777_216_000, avail: 12_450_000_000, pct: 25.8 },
      ...parts.health,
    },
    socketID: `socket-of-${id}`,
  };
}

/** A record of an agent of the original work. */
export function oldRecord(id: string, storage: unknown = 61, network: unknown = 7.25) {
  return { id, health: { storage, network }, socketID: `socket-of-${id}` };
}

/** The columns of a second version's rows. */
export const cols = [
  ...["id", "state", "flags", "name", "region", "tags", "storage", "network", "cpu", "mem"],
  ...["load", "psi", "up", "seen", "rule", "value", "limit", "since", "v"],
];

/** A row of a second version's snapshot or delta. */
export function row(id: string, parts: Record<string, unknown> = {}): unknown[] {
  const usual: Record<string, unknown> = {
    ...{ id, state: "ok", flags: 0, name: `${id}.example`, region: "eu", tags: ["prod"] },
    ...{ storage: 37.4, network: 1.844, cpu: 12.3, mem: 25.8, load: 0.42, psi: 0.4 },
    ...{ up: 3600, seen: 1_000_000, rule: null, value: null, limit: null, since: null, v: 2 },
  };
  return cols.map((name) => (name in parts ? parts[name] : usual[name]));
}

/** Stands for the socket of socket.io-client; a test plays the server. */
export class FakeSocket implements ClientSocket {
  connected = false;
  active = true;
  readonly emitted: string[] = [];
  connects = 0;
  private readonly handlers = new Map<string, ((...args: unknown[]) => void)[]>();

  on(event: string, handler: (...args: unknown[]) => void): void {
    this.handlers.set(event, [...(this.handlers.get(event) ?? []), handler]);
  }

  private waiting: ((value: unknown) => void) | null = null;

  /** Answers the newest event that wants an answer. */
  answer(value: unknown): void {
    this.waiting?.(value);
  }

  emit(event: string, ...args: unknown[]): void {
    const last = args.at(-1);
    if (typeof last === "function") this.waiting = last as (value: unknown) => void;
    this.emitted.push(args.length === 0 ? event : `${event}(${JSON.stringify(args)})`);
  }

  connect(): void {
    this.connects += 1;
    this.active = true;
  }

  disconnect(): void {
    this.active = false;
  }

  /** Something arrives. */
  say(event: string, ...args: unknown[]): void {
    for (const handler of this.handlers.get(event) ?? []) handler(...args);
  }

  join(): void {
    this.connected = true;
    this.say("connect");
  }

  drop(active = true): void {
    this.connected = false;
    this.active = active;
    this.say("disconnect", "transport close");
  }
}

/** A clock that tests move. */
export class Clock {
  at = 0;
  readonly now = (): number => this.at;
  forward(ms: number): void {
    this.at += ms;
  }
}
