import { beforeEach, describe, expect, it } from "vitest";
import { App } from "../src/app";
import { Link } from "../src/net/link";
import { Clock, FakeSocket, modernRecord } from "./support";

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
  new Link(socket, app);
  app.configured({ url: "http://api", path: "/socket.io/", version: "1" });
});

const rows = (): string[] => {
  app.arrange();
  return app.arrangement.rows.map(({ id }) => id);
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
    expect(app.fleet.get("a")?.state).toBe("stale");
    expect(app.fleet.get("b")?.state).toBe("ok");
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
    expect(app.query.state).toBe("all");
    expect(rows()).toHaveLength(3);
  });

  it("orders by a column, and turns the order round", () => {
    app.sortBy("id");
    expect(rows()).toEqual(["web-2", "web-1", "db-1"]);
    app.sortBy("id");
    expect(rows()).toEqual(["db-1", "web-1", "web-2"]);
  });

  it.each([
    ["points at a row", (on: boolean) => app.point(on)],
    ["has the focus in a row", (on: boolean) => app.focus(on)],
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
