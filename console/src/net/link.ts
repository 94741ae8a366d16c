import type { Config } from "./config";

/** What the link needs of a socket.io-client socket. */
export interface ClientSocket {
  readonly connected: boolean;
  /** False when the client will not try again by itself. */
  readonly active: boolean;
  on(event: string, handler: (...args: unknown[]) => void): unknown;
  emit(event: string): unknown;
  connect(): unknown;
  disconnect(): unknown;
}

/** Who hears what the node says. */
export interface LinkSink {
  connected(): void;
  lost(): void;
  refused(reason: string): void;
  snapshot(list: unknown): void;
  update(record: unknown): void;
  removed(id: unknown): void;
}

/** Pause before a server that closed or refused the connection is asked again, in ms. */
export const askAgainMs = { least: 2000, most: 6000 } as const;

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

/**
 * The page's side of the fleet's events. It says `web_connected` at every connect, since a
 * node forgets its pages when they go; the answer, `load_clients`, replaces all that was known.
 */
export class Link {
  constructor(
    private readonly socket: ClientSocket,
    sink: LinkSink,
    private readonly later: (run: () => void, ms: number) => void = (run, ms) => {
      setTimeout(run, ms);
    },
    private readonly random: () => number = Math.random,
  ) {
    socket.on("connect", () => {
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
        sink.refused(error instanceof Error ? error.message : "");
        this.askAgain();
      }
    });
    socket.on("load_clients", (list) => sink.snapshot(list));
    socket.on("web_client_update", (record) => sink.update(record));
    socket.on("web_client_disconnect", (id) => sink.removed(id));
  }

  /** Asks for the whole list; does nothing while cut off, since connecting asks too. */
  resync(): void {
    if (this.socket.connected) this.socket.emit("web_connected");
  }

  /** The client retries after faults, but not after a server's own word. */
  private askAgain(): void {
    if (this.socket.active) return;
    const wait = askAgainMs.least + this.random() * (askAgainMs.most - askAgainMs.least);
    this.later(() => this.socket.connect(), wait);
  }
}
