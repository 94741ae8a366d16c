import type { Config } from "./config";

/** What the link needs of a socket.io-client socket. */
export interface ClientSocket {
  readonly connected: boolean;
  /** False when the client will not try again by itself. */
  readonly active: boolean;
  on(event: string, handler: (...args: unknown[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  connect(): unknown;
  disconnect(): unknown;
}

/** Who hears what the node says; nothing of it is judged yet. */
export interface LinkSink {
  connected(): void;
  lost(): void;
  refused(reason: string, code: string): void;
  /** Events of the first version. */
  snapshot(list: unknown): void;
  update(record: unknown): void;
  removed(id: unknown): void;
  /** Events of the second version: `first` of the chunks of a snapshot, and its `last`. */
  rows(cols: unknown, rows: unknown, first: boolean, last: boolean): void;
  delta(rows: unknown, gone: unknown): void;
  turned(change: unknown): void;
  /** The first event of a connection that tells the version. */
  speaks(version: 1 | 2): void;
}

/** Pause before a server that closed or refused the connection is asked again, in ms. */
export const askAgainMs = { least: 2000, most: 6000 } as const;

/** Deltas a second for a page that is seen, and for one that is not. */
export const paceHz = { seen: 4, hidden: 0.2 } as const;

/** The columns of rows that a page asks for when the usual ones are not enough. */
export const usualFields = [
  ...["id", "state", "flags", "name", "region", "tags", "storage", "network", "cpu", "mem"],
  ...["load", "psi", "up", "seen", "rule", "value", "limit", "since", "v"],
] as const;

/** A node that is about to stop is left within this, whatever time it gives. */
export const drainMostMs = 8000;

/** How the client connects: polling first, then websocket, its own jittered back-off. */
export function clientOptions(config: Config) {
  return {
    path: config.path,
    transports: ["polling", "websocket"],
    reconnectionDelay: 500,
    reconnectionDelayMax: 5000,
    timeout: 10_000,
  };
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/**
 * The page's side of the fleet's events. It says `web_connected` at every connect, since a
 * node forgets its pages when they go. A node of the second version answers with a snapshot, or
 * with what was missed since `cursor`; an original one does not know what it was told besides and
 * answers with `load_clients`, which replaces all that was known.
 */
export class Link {
  private cursor: string | null = null;
  private version: 1 | 2 | null = null;
  private inSnapshot = false;
  /** Of the chunks that come: all of one snapshot have the same. */
  private chunks: unknown = undefined;
  private hidden = false;
  private extra: readonly string[] = [];

  constructor(
    private readonly socket: ClientSocket,
    private readonly sink: LinkSink,
    private readonly later: (run: () => void, ms: number) => void = (run, ms) => {
      setTimeout(run, ms);
    },
    private readonly random: () => number = Math.random,
  ) {
    socket.on("connect", () => {
      this.version = null;
      this.inSnapshot = false;
      sink.connected();
      this.resync();
    });
    socket.on("disconnect", () => {
      sink.lost();
      this.askAgain();
    });
    socket.on("connect_error", (error) => {
      if (socket.active) {
        sink.lost();
      } else {
        const { data } = fields(error);
        const { code } = fields(data);
        const reason = error instanceof Error ? error.message : "";
        sink.refused(reason, typeof code === "string" ? code : "");
        this.askAgain();
      }
    });
    socket.on("load_clients", (list) => {
      this.heard(1);
      sink.snapshot(list);
    });
    socket.on("web_client_update", (record) => sink.update(record));
    socket.on("web_client_disconnect", (id) => sink.removed(id));
    socket.on("fleet_snapshot", (chunk) => this.chunk(fields(chunk)));
    socket.on("fleet_delta", (delta) => this.delta(fields(delta)));
    socket.on("client_state", (change) => sink.turned(change));
    socket.on("node_draining", (notice) => this.leave(fields(notice).after_ms));
  }

  /** Asks for what was missed; does nothing while cut off, since connecting asks too. */
  resync(): void {
    if (!this.socket.connected) return;
    const hz = this.hidden ? paceHz.hidden : paceHz.seen;
    const cursor = this.cursor === null ? {} : { cursor: this.cursor };
    const fields = this.extra.length === 0 ? {} : { fields: [...usualFields, ...this.extra] };
    this.socket.emit("web_connected", { v: 2, hz, ...fields, ...cursor });
  }

  /** Rows have one more column from now on; it costs nothing while nobody needs it. */
  need(field: string): void {
    if (this.extra.includes(field)) return;
    this.extra = [...this.extra, field];
    this.cursor = null; // it counts rows of the other form
    if (this.version === 2) this.resync();
  }

  /** Nobody looks at the page, or somebody does again: it is told less often, or brought up. */
  pace(hidden: boolean): void {
    if (this.hidden === hidden) return;
    this.hidden = hidden;
    if (this.version === 2 || !hidden) this.resync();
  }

  /** Asks for full records of a host; `answer` gets its history. False when the node is old. */
  watch(id: string, answer: (value: unknown) => void): boolean {
    if (this.version === 2 && this.socket.connected) {
      this.socket.emit("client_watch", { id }, answer);
    }
    return this.version !== 1;
  }

  unwatch(id: string): void {
    if (this.version === 2 && this.socket.connected) this.socket.emit("client_unwatch", { id });
  }

  /** Connects anew, as with another token. */
  reconnect(): void {
    this.socket.disconnect();
    this.socket.connect();
  }

  private heard(version: 1 | 2): void {
    if (this.version === version) return;
    this.version = version;
    if (version === 1) this.cursor = null;
    this.sink.speaks(version);
  }

  private chunk({ cols, rows, cursor, last }: Readonly<Record<string, unknown>>): void {
    this.heard(2);
    const first = !this.inSnapshot || cursor !== this.chunks;
    this.inSnapshot = last !== true;
    this.chunks = cursor;
    // A snapshot that is cut off in the middle must come whole again.
    this.cursor = last === true && typeof cursor === "string" ? cursor : null;
    this.sink.rows(cols, rows, first, last === true);
  }

  private delta({ rows, gone, cursor }: Readonly<Record<string, unknown>>): void {
    this.heard(2);
    if (!this.inSnapshot && typeof cursor === "string") this.cursor = cursor;
    this.sink.delta(rows, gone);
  }

  /** The node stops soon: go to another before it does, not all at once. */
  private leave(afterMs: unknown): void {
    const given = typeof afterMs === "number" && afterMs > 0 ? afterMs : 0;
    this.later(
      () => {
        if (this.socket.connected) this.reconnect();
      },
      this.random() * Math.min(0.8 * given, drainMostMs),
    );
  }

  /** The client retries after faults, but not after a server's own word. */
  private askAgain(): void {
    if (this.socket.active) return;
    const wait = askAgainMs.least + this.random() * (askAgainMs.most - askAgainMs.least);
    this.later(() => {
      if (!this.socket.active) this.socket.connect();
    }, wait);
  }
}
