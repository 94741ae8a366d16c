import { Announcer } from "./model/announcer";
import { Arrangement, defaultQuery, type Query } from "./model/arrangement";
import { type ColumnKey, nextSort } from "./model/columns";
import {
  type Connection,
  type ConnectionEvent,
  connectionAfter,
  initialConnection,
  isCutOff,
} from "./model/connection";
import { Fleet } from "./model/fleet";
import { readId } from "./model/host";
import type { Config } from "./net/config";
import type { Address } from "./net/address";
import type { LinkSink } from "./net/link";
import {
  defaultQuery as defaultView,
  fleetPlace,
  type Place,
  type Query as View,
  type Route,
} from "./model/route";

/** Who shows one host closely. All three get what the node sent, not yet judged. */
export interface HostWatch {
  /** What was before; once for each connection, from nodes that keep histories. */
  history?(history: unknown): void;
  /** Why there is no history, or the host cannot be watched. */
  failed?(reason: string): void;
  /** A full record of the host, as it reports. */
  record(record: unknown): void;
}

/** Everything the page knows and everything that can be done to it; the views only draw this. */
export class App implements LinkSink {
  readonly announcer = new Announcer();
  readonly fleet = new Fleet((kind, host) => this.announcer.note(kind, host.label));
  readonly arrangement = new Arrangement(this.fleet);
  connection: Connection = initialConnection;
  query: Query = defaultQuery;
  config: Config | null = null;
  /** What the live region says now. */
  spoken = "";

  route: Route = { place: fleetPlace, query: defaultView };
  /** The node wants to know who this is; the sign-in page is shown. */
  needsSignIn = false;
  /** Shown to the node with the next connection; never written anywhere. */
  token: string | null = null;

  private address: Address | null = null;
  private reconnect = (): void => {};
  private readonly watches = new Map<string, Set<HostWatch>>();
  private pointed = false;
  private focused = false;

  /** `data` asks for a repaint of values, `soon` for one in the next frame. */
  constructor(
    private readonly now: () => number,
    private readonly repaint: { data(): void; soon(): void },
  ) {}

  // What the settings and the node say.

  configured(config: Config): void {
    this.config = config;
    this.step({ type: "configured" });
  }

  unconfigured(): void {
    this.step({ type: "unconfigured" });
  }

  connected(): void {
    this.step({ type: "connected" });
  }

  lost(): void {
    this.step({ type: "lost" });
  }

  refused(reason: string): void {
    this.step({ type: "refused", reason });
  }

  snapshot(list: unknown): void {
    const now = this.now();
    if (this.fleet.replaceAll(list, now)) this.step({ type: "snapshot", now });
  }

  update(record: unknown): void {
    this.fleet.update(record, this.now());
    const id = readId((record as { id?: unknown } | null)?.id);
    if (id !== null) for (const watch of this.watches.get(id) ?? []) watch.record(record);
    this.dataCame();
  }

  removed(id: unknown): void {
    this.fleet.remove(id);
    this.dataCame();
  }

  /** Once a second: ages grow, the silent become stale, what changed is spoken. */
  tick(): void {
    const now = this.now();
    if (!isCutOff(this.connection)) this.fleet.tick(now);
    this.spoken = this.announcer.take(now) ?? this.spoken;
    this.repaint.data();
  }

  // What the operator does.

  search(words: string): void {
    this.ask({ ...this.query, words });
  }

  showState(state: Query["state"]): void {
    this.ask({ ...this.query, state: state === this.query.state ? "all" : state });
  }

  showAll(): void {
    this.ask({ ...this.query, words: "", state: "all" });
  }

  sortBy(key: ColumnKey): void {
    this.ask({ ...this.query, sort: nextSort(this.query.sort, key) });
  }

  /** The pointer is over a row, or left them. */
  point(over: boolean): void {
    this.pointed = over;
    if (!over) this.repaint.soon();
  }

  /** A row has the keyboard's focus, or lost it. */
  focus(within: boolean): void {
    this.focused = within;
    if (!within) this.repaint.soon();
  }

  /** Shows another place, what is asked of the table stays. */
  go(place: Place): void {
    this.turnTo({ ...this.route, place }, false);
  }

  /** Changes what is asked of the table. */
  view(change: Partial<View>): void {
    this.turnTo({ ...this.route, query: { ...this.route.query, ...change } }, true);
  }

  /** The address changed by itself: back, forth, or the first one. */
  routed(route: Route): void {
    this.route = route;
    this.repaint.soon();
  }

  /** From now on the address bar follows. */
  useAddress(address: Address): void {
    this.address = address;
    this.routed(address.read());
  }

  /** Tries a token: connects anew with it. */
  signIn(token: string): void {
    this.token = token;
    this.needsSignIn = false;
    this.reconnect();
    this.repaint.soon();
  }

  /** How to connect anew. */
  reconnectWith(reconnect: () => void): void {
    this.reconnect = reconnect;
  }

  /** Follows one host closely until the returned function is called. */
  watch(id: string, watch: HostWatch): () => void {
    const all = this.watches.get(id) ?? new Set();
    this.watches.set(id, all.add(watch));
    return () => {
      all.delete(watch);
      if (all.size === 0) this.watches.delete(id);
    };
  }

  // What a repaint asks.

  /** Brings the order of rows up to date; call once, at the start of a repaint. */
  arrange(): void {
    this.arrangement.refresh(this.query, this.held, this.now());
  }

  get held(): boolean {
    return this.pointed || this.focused;
  }

  get cutOff(): boolean {
    return isCutOff(this.connection);
  }

  /** Age of a moment on the page's clock, in ms. */
  age(at: number): number {
    return Math.max(0, this.now() - at);
  }

  private turnTo(route: Route, replace: boolean): void {
    this.route = route;
    this.address?.write(route, replace);
    this.repaint.soon();
  }

  private ask(query: Query): void {
    this.query = query;
    this.repaint.soon();
  }

  private dataCame(): void {
    this.step({ type: "data", now: this.now() });
  }

  private step(event: ConnectionEvent): void {
    const before = this.connection;
    this.connection = connectionAfter(before, event);
    const wasLive = before.phase === "live";
    const isLive = this.connection.phase === "live";
    if (wasLive && !isLive) this.announcer.noteLink("lost");
    if (!wasLive && isLive && before.dataAt !== null) this.announcer.noteLink("back");
    if (event.type === "data") this.repaint.data();
    else this.repaint.soon();
  }
}
