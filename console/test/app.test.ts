import { beforeEach, describe, expect, it } from "vitest";
import { App } from "../src/app";
import { formatRoute, hostPlace, parseRoute } from "../src/model/route";
import { Link } from "../src/net/link";
import { Rest } from "../src/net/rest";
import { Session } from "../src/net/session";
import { Clock, cols, FakeSocket, modernRecord, row } from "./support";

let clock: Clock;
let app: App;
let socket: FakeSocket;
let repaints: string[];

beforeEach(() => {
  clock = new Clock();
  repaints = [];
  app = new App(clock.now, {
    data: () => repaints.push("data"),
    soon: () => repaints.push("soon"),
  });
  socket = new FakeSocket();
  app.useWire(new Link(socket, app));
  app.configured({ url: "http://api", path: "/socket.io/", version: "1" });
});

const rows = (): string[] => {
  app.arrange();
  return app.arrangement.entries.map((slot) => app.fleet.id(slot));
};

/** Connects and gets the list. */
const load = (...ids: string[]): void => {
  socket.join();
  socket.say(
    "load_clients",
    ids.map((id) => modernRecord(id)),
  );
};

const seconds = (count: number): void => {
  for (let i = 0; i < count; i += 1) {
    clock.forward(1000);
    app.tick();
  }
};

describe("the page", () => {
  it("is cut off until the list is there", () => {
    expect(app.cutOff).toBe(true);
    socket.join();
    expect(app.cutOff).toBe(true);
    socket.say("load_clients", []);
    expect(app.cutOff).toBe(false);
  });

  it("shows the list at once and updates with the next repaint", () => {
    load("b", "a");
    expect(rows()).toEqual(["a", "b"]);
    expect(repaints.at(-1)).toBe("soon");
    repaints.length = 0;
    socket.say("web_client_update", modernRecord("a", { seq: 2 }));
    expect(repaints).toEqual(["data"]);
  });

  it("goes dim when the connection is lost and recovers with a new list", () => {
    load("a", "b");
    socket.drop();
    expect(app.connection.phase).toBe("reconnecting");
    expect(rows()).toEqual(["a", "b"]);
    clock.forward(4000);
    load("b", "c");
    expect(app.connection.phase).toBe("live");
    expect(rows()).toEqual(["b", "c"]);
  });

  it("does not judge hosts while it hears of none", () => {
    load("a");
    socket.drop();
    seconds(60);
    expect(app.fleet.counts.stale).toBe(0);
    expect(app.age(app.connection.dataAt ?? 0)).toBe(60_000);
  });

  it("marks a silent host stale while it hears others", () => {
    load("a", "b");
    for (let second = 1; second <= 9; second += 1) {
      socket.say("web_client_update", modernRecord("b", { seq: second + 1 }));
      seconds(1);
    }
    expect(app.fleet.state(app.fleet.find("a") ?? -1)).toBe("stale");
    expect(app.fleet.state(app.fleet.find("b") ?? -1)).toBe("ok");
    expect(app.spoken).toBe("a stale.");
  });

  it("speaks of a lost connection and of its return, not of values", () => {
    load("a");
    seconds(1);
    expect(app.spoken).toBe("");
    socket.drop();
    seconds(1);
    expect(app.spoken).toBe("Connection lost, values are not live.");
    load("a");
    seconds(6);
    expect(app.spoken).toBe("Connection is back.");
  });

  it("is not shaken by nonsense from the server", () => {
    load("a");
    for (const nonsense of [undefined, null, 3, "x", [], {}, { id: {} }]) {
      socket.say("load_clients", nonsense === null ? 7 : { nonsense });
      socket.say("web_client_update", nonsense);
      socket.say("web_client_disconnect", nonsense);
    }
    expect(rows()).toEqual(["a"]);
  });
});

describe("the operator", () => {
  beforeEach(() => load("web-1", "web-2", "db-1"));

  it("filters by words, and sees all again", () => {
    app.search("WEB");
    expect(rows()).toEqual(["web-1", "web-2"]);
    app.search("web-2");
    expect(rows()).toEqual(["web-2"]);
    app.showAll();
    expect(rows()).toEqual(["db-1", "web-1", "web-2"]);
  });

  it("filters by state; the same counter again shows all", () => {
    app.showState("stale");
    expect(rows()).toEqual([]);
    app.showState("stale");
    expect(app.query.q).toBe("");
    expect(rows()).toHaveLength(3);
  });

  it("orders by a column, and turns the order round", () => {
    app.sortBy("name");
    expect(rows()).toEqual(["web-2", "web-1", "db-1"]);
    app.sortBy("name");
    expect(rows()).toEqual(["db-1", "web-1", "web-2"]);
  });

  it.each([
    ["points at a row", (on: boolean) => app.hold("pointer", on)],
    ["has the focus in a row", (on: boolean) => app.hold("focus", on)],
    ["selects text of a row", (on: boolean) => app.hold("selection", on)],
  ])("holds the rows while he %s", (_name, hold) => {
    rows();
    hold(true);
    clock.forward(10_000);
    socket.say("web_client_disconnect", "db-1");
    expect(rows()).toEqual(["db-1", "web-1", "web-2"]);
    hold(false);
    expect(repaints.at(-1)).toBe("soon");
    expect(rows()).toEqual(["web-1", "web-2"]);
  });
});

describe("a node of the second version", () => {
  const snapshot = (rows: unknown[], last = true): void =>
    socket.say("fleet_snapshot", { cols, rows, last, cursor: "n.1" });

  const state = (id: string): string => app.fleet.state(app.fleet.find(id) ?? -1);

  it("is live with the last chunk of its snapshot, and shows rows from the first on", () => {
    socket.join();
    snapshot([row("a")], false);
    expect(rows()).toEqual(["a"]);
    expect(app.cutOff).toBe(true);
    snapshot([row("b")]);
    expect(app.cutOff).toBe(false);
    clock.forward(2000);
    expect(rows()).toEqual(["a", "b"]);
  });

  it("changes rows by deltas, and turns hosts by their own word", () => {
    socket.join();
    snapshot([row("a"), row("b")]);
    socket.say("fleet_delta", { rows: [row("a", { state: "warn" })], gone: ["b"], cursor: "n.2" });
    expect(state("a")).toBe("warn");
    expect(app.fleet.size).toBe(1);
    socket.say("client_state", { id: "a", from: "warn", to: "crit", rule: "cpu", value: 99 });
    expect(state("a")).toBe("crit");
    seconds(1);
    expect(app.spoken).toBe("a critical. b left.");
  });

  it("goes on where it was after a lost connection", () => {
    socket.join();
    snapshot([row("a"), row("b")]);
    socket.drop();
    expect(app.cutOff).toBe(true);
    socket.join();
    expect(socket.emitted.at(-1)).toContain('"cursor":"n.1"');
    socket.say("fleet_delta", {
      rows: [row("b", { state: "crit" })],
      cursor: "n.9",
      resumed: true,
    });
    expect(app.cutOff).toBe(false);
    expect(app.fleet.size).toBe(2);
    expect(state("b")).toBe("crit");
  });

  it("is asked for the operating system by a search for it", () => {
    socket.join();
    snapshot([row("a")]);
    rows();
    expect(socket.emitted).toHaveLength(1);
    app.search("os:debian");
    rows();
    expect(socket.emitted.at(-1)).toContain('"os"]');
  });

  it("that says nothing for long is asked whether it is there", () => {
    socket.join();
    snapshot([row("a")]);
    seconds(6);
    const asked = socket.emitted.length;
    seconds(2);
    expect(socket.emitted).toHaveLength(asked + 1);
    socket.say("fleet_delta", { rows: [], cursor: "n.2" });
    expect(app.age(app.connection.dataAt ?? 0)).toBe(0);
  });

  it("gives the records and the history of a host that is watched", () => {
    const heard: string[] = [];
    socket.join();
    snapshot([row("a"), row("b")]);
    const stop = app.watch("a", {
      history: (history) => heard.push(`history ${String(history)}`),
      record: (record) => heard.push(`record ${String((record as { seq: number }).seq)}`),
      turned: () => heard.push("turned"),
      failed: (reason) => heard.push(`failed ${reason}`),
    });
    expect(socket.emitted.at(-1)).toBe('client_watch([{"id":"a"},null])');
    socket.answer({ history: "rings" });
    socket.say("web_client_update", modernRecord("a", { seq: 9 }));
    socket.say("web_client_update", modernRecord("b"));
    socket.say("client_state", { id: "a", to: "warn" });
    socket.drop();
    socket.join();
    snapshot([row("a")]);
    expect(socket.emitted.filter((said) => said.startsWith("client_watch"))).toHaveLength(2);
    socket.answer({ error: "no such host" });
    stop();
    expect(socket.emitted.at(-1)).toBe('client_unwatch([{"id":"a"}])');
    socket.say("web_client_update", modernRecord("a"));
    expect(heard).toEqual(["history rings", "record 9", "turned", "failed no such host"]);
  });

  it("is not shaken by nonsense", () => {
    socket.join();
    snapshot([row("a")]);
    for (const nonsense of [undefined, null, 3, "x", [], {}, { rows: 3, gone: 3, cols: 3 }]) {
      for (const event of ["fleet_delta", "client_state", "fleet_snapshot"]) {
        if (event !== "fleet_snapshot" || nonsense === 3) socket.say(event, nonsense);
      }
    }
    expect(rows()).toEqual(["a"]);
  });
});

describe("a node of the first version", () => {
  it("has no history to give, and its records go to who watches", () => {
    const heard: unknown[] = [];
    const told: string[] = [];
    load("a");
    app.watch("a", { failed: (why) => told.push(why), record: (record) => heard.push(record) });
    expect(told).toEqual([""]);
    socket.say("web_client_update", modernRecord("a", { seq: 2 }));
    expect(heard).toHaveLength(1);
  });
});

describe("the frozen view", () => {
  it("stands still, counts what comes, and then has it all", () => {
    load("a", "b");
    rows();
    app.pause();
    for (let seq = 2; seq < 5; seq += 1) {
      socket.say("web_client_update", modernRecord("a", { seq, health: { cpu: { pct: seq } } }));
    }
    socket.say("web_client_disconnect", "b");
    socket.say("web_client_update", modernRecord("c"));
    clock.forward(60_000);
    app.tick();
    expect(rows()).toEqual(["a", "b"]);
    expect(app.fleet.metric(app.fleet.find("a") ?? -1, "cpu")).toBeCloseTo(12.3);
    expect(app.held.waiting).toBe(5);
    app.pause();
    expect(rows()).toEqual(["a", "c"]);
    expect(app.fleet.metric(app.fleet.find("a") ?? -1, "cpu")).toBe(4);
    expect(app.held.waiting).toBe(0);
  });

  it("still does what the operator asks", () => {
    load("a", "b");
    rows();
    app.pause();
    app.search("b");
    expect(rows()).toEqual(["b"]);
  });

  it("takes a whole new list for the truth", () => {
    socket.join();
    socket.say("fleet_snapshot", { cols, rows: [row("a"), row("b")], last: true });
    app.pause();
    socket.say("fleet_snapshot", { cols, rows: [row("b"), row("c")], last: true });
    socket.say("fleet_delta", { rows: [row("d")], gone: ["c"] });
    app.pause();
    expect([...app.fleet.slots()].map((slot) => app.fleet.id(slot)).sort()).toEqual(["b", "d"]);
  });
});

describe("the address", () => {
  it("follows what is asked, and the page follows it", () => {
    const written: string[] = [];
    const start = parseRoute("/", "?q=web&view=tiles");
    app.useAddress({
      read: () => start,
      write: (route, replace) => written.push(`${replace ? "=" : "+"}${formatRoute(route)}`),
    });
    expect(app.query).toMatchObject({ q: "web", view: "tiles" });
    app.showState("crit");
    app.sortBy("cpu");
    app.go(hostPlace("web-1"));
    expect(written).toEqual([
      "=/?q=web+state:crit&view=tiles",
      "=/?q=web+state:crit&sort=-cpu&view=tiles",
      "+/host/web-1?q=web+state:crit&sort=-cpu&view=tiles",
    ]);
  });
});

describe("what this browser remembers", () => {
  it("is there again the next time", () => {
    const kept = new Map<string, string>();
    const place = {
      getItem: (name: string) => kept.get(name) ?? null,
      setItem: (name: string, value: string) => void kept.set(name, value),
    };
    app.usePrefs(place);
    app.chooseColumns(["name", "cpu"]);
    app.prefer({ theme: "dark" });
    const next = new App(clock.now, { data: () => {}, soon: () => {} });
    next.usePrefs(place);
    expect(next.columns).toEqual(["name", "cpu"]);
    expect(next.prefs.theme).toBe("dark");
    kept.set("mad.prefs", '{"theme":"pink","columns":["shoe"],"bytes":7');
    next.usePrefs(place);
    expect(next.prefs.theme).toBe("system");
  });
});

it("a refusal for want of a token asks for one", () => {
  const nothing = () => null;
  const place = {
    location: { hash: "", pathname: "/", search: "" },
    history: { replaceState: () => {} },
    sessionStorage: { getItem: nothing, setItem: () => {}, removeItem: () => {} },
  };
  const rest = new Rest({ url: () => undefined, token: nothing });
  app.useSession(new Session(place, rest, app));
  socket.active = false;
  socket.say("connect_error", Object.assign(new Error("no"), { data: { code: "unauthorized" } }));
  expect(app.needsSignIn).toBe(true);
  expect(app.signInProblem).toBe("missing");
  app.signIn("secret");
  expect(app.token).toBe("secret");
  expect(app.needsSignIn).toBe(false);
  expect(socket.connects).toBe(1);
  socket.active = false;
  socket.say("connect_error", Object.assign(new Error("no"), { data: { code: "token_unknown" } }));
  expect(app.signInProblem).toBe("wrong");
  expect(app.token).toBeNull();
});
