import { Announcer } from "./model/announcer";
import { Arrangement, isSilent } from "./model/arrangement";
import { nextSort, usualColumns } from "./model/columns";
import {
  type Connection,
  type ConnectionEvent,
  connectionAfter,
  initialConnection,
  isCutOff,
} from "./model/connection";
import { Fleet, readOrder, type RowOrder, type Slot } from "./model/fleet";
import { Held } from "./model/held";
import { type CountedState, readId, readVerdict } from "./model/host";
import { defaultPrefs, loadPrefs, type Prefs, type PrefsPlace, savePrefs } from "./model/prefs";
import {
  type ColumnName,
  defaultQuery,
  fleetPlace,
  hostPlace,
  type Place,
  type Query,
  type Route,
} from "./model/route";
import { askState, stateAsked } from "./model/search";
import type { Address } from "./net/address";
import type { Config } from "./net/config";
import type { LinkSink } from "./net/link";
import { Rest } from "./net/rest";
import type { Session, SessionSink } from "./net/session";
import type { SignInProblem, Who } from "./model/session";

/** Who shows one host closely. Everything is as the node sent it, not yet judged. */
export interface HostWatch {
  /** What was before; once for each connection, from nodes that keep histories. */
  history?(history: unknown): void;
  /** Why there is no history, or the host cannot be watched; empty: the node is too old. */
  failed?(reason: string): void;
  /** A full record of the host, as it reports. */
  record(record: unknown): void;
  /** The host changed its state. */
  turned?(change: unknown): void;
}

/** What the app asks of its connection. */
export interface Wire {
  resync(): void;
  need(field: string): void;
  reconnect(): void;
  watch(id: string, answer: (value: unknown) => void): boolean;
  unwatch(id: string): void;
}

/** What lies above the page. */
export type Overlay = "help" | "palette" | "menu" | null;

/** Silence of a node after which it is asked whether it is still there, ms. */
const askAfterMs = 6000;

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** Everything the page knows and everything that can be done to it; the views only draw this. */
export class App implements LinkSink, SessionSink {
  readonly announcer = new Announcer();
  readonly fleet = new Fleet((slot, from, to) =>
    this.announcer.note(this.fleet.label(slot).short, from, to),
  );
  readonly arrangement = new Arrangement(this.fleet);
  readonly held = new Held();
  connection: Connection = initialConnection;
  config: Config | null = null;
  route: Route = { place: fleetPlace, query: defaultQuery };
  prefs: Prefs = defaultPrefs;
  overlay: Overlay = null;
  /** The view is frozen; what comes waits in `held`. */
  paused = false;
  /** What the live region says now. */
  spoken = "";
  /** The node wants to know who this is; the sign-in page is shown. */
  needsSignIn = false;
  signInProblem: SignInProblem | null = null;
  /** Who the node takes this page for; `null`: it does not say. */
  who: Who | null = null;
  readonly rest = new Rest({ url: () => this.config?.url, token: () => this.token });
  collapsed: ReadonlySet<string> = new Set();

  private address: Address | null = null;
  private session: Session | null = null;
  private wire: Wire | null = null;
  private prefsPlace: PrefsPlace | null = null;
  private version: 1 | 2 | null = null;
  private order: RowOrder | null = null;
  private asked = Number.NEGATIVE_INFINITY;
  private drawn: Query | null = null;
  private drawnCollapsed: ReadonlySet<string> | null = null;
  private readonly watches = new Map<string, Set<HostWatch>>();
  private readonly holds = new Set<string>();

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
    this.needsSignIn = false;
    this.step({ type: "connected" });
  }

  lost(): void {
    this.step({ type: "lost" });
  }

  refused(reason: string, code = ""): void {
    if (code !== "") this.session?.refused(code);
    this.step({ type: "refused", reason });
  }

  speaks(version: 1 | 2): void {
    this.version = version;
    for (const id of this.watches.keys()) this.startWatch(id);
  }

  snapshot(list: unknown): void {
    const now = this.now();
    if (!Array.isArray(list)) return;
    if (this.paused) {
      this.held.begin();
      for (const record of list as unknown[]) this.held.record(record);
    } else {
      this.fleet.replaceAll(list, now);
    }
    this.step({ type: "snapshot", now });
  }

  update(record: unknown): void {
    if (this.version !== 2) {
      if (this.paused) this.held.record(record);
      else this.fleet.update(record, this.now());
    }
    for (const watch of this.watchesOf(fields(record).id)) watch.record(record);
    this.dataCame();
  }

  removed(id: unknown): void {
    if (this.paused) this.held.gone(id);
    else this.fleet.remove(id);
    this.dataCame();
  }

  rows(cols: unknown, rows: unknown, first: boolean, last: boolean): void {
    const now = this.now();
    this.order = readOrder(cols) ?? this.order;
    if (this.order === null) return;
    if (this.paused) {
      if (first) this.held.begin();
      this.held.rows(this.order, rows);
    } else {
      if (first) this.fleet.begin();
      this.fleet.putRows(this.order, rows, now);
      if (last) this.fleet.end();
    }
    if (last) this.step({ type: "snapshot", now });
    else this.repaint.data();
  }

  delta(rows: unknown, gone: unknown): void {
    const now = this.now();
    if (this.order === null) return;
    const ids = Array.isArray(gone) ? (gone as unknown[]) : [];
    if (this.paused) {
      this.held.rows(this.order, rows);
      for (const id of ids) this.held.gone(id);
    } else {
      this.fleet.putRows(this.order, rows, now);
      for (const id of ids) this.fleet.remove(id);
    }
    if (this.connection.phase === "syncing" && this.fleet.loads > 0) {
      this.step({ type: "resumed", now });
    } else {
      this.dataCame();
    }
  }

  turned(change: unknown): void {
    const { id, to, rule, value, limit, since } = fields(change);
    if (!this.paused) this.fleet.turn(id, to, readVerdict(rule, value, limit, since));
    for (const watch of this.watchesOf(id)) watch.turned?.(change);
    this.dataCame();
  }

  /** Once a second: ages grow, the silent become stale, what changed is spoken. */
  tick(): void {
    const now = this.now();
    if (!isCutOff(this.connection) && !this.paused) this.fleet.tick(now);
    this.spoken = this.announcer.take(now) ?? this.spoken;
    // A calm fleet says nothing for long; a dead link neither. An answer tells them apart.
    const { dataAt } = this.connection;
    const silent = !this.cutOff && dataAt !== null && now - dataAt > askAfterMs;
    if (this.version === 2 && silent && now - this.asked > askAfterMs) {
      this.asked = now;
      this.wire?.resync();
    }
    this.repaint.data();
  }

  // What the operator does.

  get query(): Query {
    return this.route.query;
  }

  /** Changes what is asked of the table. */
  view(change: Partial<Query>): void {
    this.turnTo({ ...this.route, query: { ...this.route.query, ...change } }, true);
  }

  /** Shows another place, what is asked of the table stays. */
  go(place: Place): void {
    this.overlay = null;
    this.turnTo({ ...this.route, place }, false);
  }

  openHost(slot: Slot): void {
    this.go(hostPlace(this.fleet.id(slot)));
  }

  /** The address changed by itself: back, forth, or the first one. */
  routed(route: Route): void {
    this.route = route;
    this.repaint.soon();
  }

  search(q: string): void {
    this.view({ q });
  }

  /** Only hosts in that state, or no longer only these. */
  showState(state: CountedState | null): void {
    const { q } = this.query;
    this.view({ q: askState(q, stateAsked(q) === state ? null : state) });
  }

  showAll(): void {
    this.view({ q: "" });
  }

  sortBy(key: ColumnName): void {
    this.view({ sort: nextSort(this.query.sort, key) });
  }

  get columns(): readonly ColumnName[] {
    return this.query.columns ?? this.prefs.columns ?? usualColumns;
  }

  /** `null`: the usual ones. Kept for the next time, and in the address. */
  chooseColumns(columns: readonly ColumnName[] | null): void {
    this.prefer({ columns });
    this.view({ columns });
  }

  prefer(change: Partial<Prefs>): void {
    this.prefs = { ...this.prefs, ...change };
    savePrefs(this.prefsPlace, this.prefs);
    this.repaint.soon();
  }

  toggleGroup(key: string): void {
    const collapsed = new Set(this.collapsed);
    if (!collapsed.delete(key)) collapsed.add(key);
    this.collapsed = collapsed;
    this.repaint.soon();
  }

  show(overlay: Overlay): void {
    this.overlay = overlay;
    this.repaint.soon();
  }

  pause(paused = !this.paused): void {
    if (paused === this.paused) return;
    this.paused = paused;
    if (!paused) this.held.release(this.fleet, this.now());
    this.repaint.soon();
  }

  /** The operator looks at a row: by pointer, focus or a selection; rows must not move. */
  hold(how: "pointer" | "focus" | "selection", on: boolean): void {
    if (on) this.holds.add(how);
    else if (this.holds.delete(how)) this.repaint.soon();
  }

  // Who uses the page.

  /** What the node is shown with the next connection. */
  get token(): string | null {
    return this.session?.token ?? null;
  }

  get isAdmin(): boolean {
    return this.who?.role === "admin";
  }

  known(who: Who | null): void {
    this.who = who;
    this.needsSignIn = false;
    this.repaint.soon();
  }

  unknown(problem: SignInProblem): void {
    this.who = null;
    this.needsSignIn = true;
    this.signInProblem = problem;
    this.repaint.soon();
  }

  /** Tries a token: connects anew with it. `keep`: until the tab is closed. */
  signIn(token: string, keep = false): void {
    this.session?.use(token, keep);
    this.needsSignIn = false;
    this.wire?.reconnect();
    void this.session?.check();
    this.repaint.soon();
  }

  /** Somebody whom the node shows the fleet without a token has one all the same. */
  askSignIn(): void {
    this.needsSignIn = true;
    this.signInProblem = null;
    this.repaint.soon();
  }

  signOut(): void {
    this.session?.forget();
    this.who = null;
    this.wire?.reconnect();
    void this.session?.check();
    this.repaint.soon();
  }

  useSession(session: Session): void {
    this.session = session;
  }

  /** Follows one host closely until the returned function is called. */
  watch(id: string, watch: HostWatch): () => void {
    const known = this.watches.get(id);
    this.watches.set(id, (known ?? new Set<HostWatch>()).add(watch));
    if (this.version !== null) this.startWatch(id, watch);
    return () => {
      const all = this.watches.get(id);
      if (all === undefined || !all.delete(watch) || all.size > 0) return;
      this.watches.delete(id);
      this.wire?.unwatch(id);
    };
  }

  // What a repaint asks.

  /** Brings the order of rows up to date; call once, at the start of a repaint. */
  arrange(): void {
    const asSame = this.drawn === this.query && this.drawnCollapsed === this.collapsed;
    if (this.paused && asSame) return;
    this.drawn = this.route.query;
    this.drawnCollapsed = this.collapsed;
    this.arrangement.metric = this.query.metric;
    this.arrangement.refresh(this.query, this.collapsed, this.isHeld, this.now());
    if (this.arrangement.search.os) this.wire?.need("os");
  }

  get isHeld(): boolean {
    return this.holds.size > 0;
  }

  get cutOff(): boolean {
    return isCutOff(this.connection);
  }

  /** The node itself says who is silent, and it can be heard. */
  get vouched(): boolean {
    return this.version === 2 && !this.cutOff;
  }

  /** Age of a moment on the page's clock, in ms. */
  age(at: number): number {
    return Math.max(0, this.now() - at);
  }

  /** The small curve of a host. */
  curve(slot: Slot): Float32Array {
    const alive = !isSilent(this.fleet.state(slot));
    return this.fleet.curves.read(slot, this.query.metric, this.now(), alive);
  }

  // Who stands around it.

  /** From now on the address bar follows. */
  useAddress(address: Address): void {
    this.address = address;
    this.routed(address.read());
  }

  useWire(wire: Wire): void {
    this.wire = wire;
  }

  usePrefs(place: PrefsPlace | null): void {
    this.prefsPlace = place;
    this.prefs = loadPrefs(place);
  }

  private watchesOf(id: unknown): Iterable<HostWatch> {
    if (this.watches.size === 0) return [];
    return this.watches.get(readId(id) ?? "") ?? [];
  }

  private startWatch(id: string, only?: HostWatch): void {
    const told = (): Iterable<HostWatch> =>
      only === undefined ? this.watchesOf(id) : this.watches.get(id)?.has(only) ? [only] : [];
    const sent = this.wire?.watch(id, (value) => {
      const { error, history } = fields(value);
      for (const watch of told()) {
        if (error !== undefined) watch.failed?.(typeof error === "string" ? error : "error");
        else watch.history?.(history ?? value);
      }
      this.repaint.soon();
    });
    if (sent === false) for (const watch of told()) watch.failed?.("");
  }

  private turnTo(route: Route, replace: boolean): void {
    this.route = route;
    this.address?.write(route, replace);
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
