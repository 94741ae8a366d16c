import { beforeEach, describe, expect, it } from "vitest";
import { askAgainMs, clientOptions, Link, type LinkSink } from "../../src/net/link";
import { FakeSocket } from "../support";

let socket: FakeSocket;
let heard: unknown[][];
let waits: { run: () => void; ms: number }[];
let link: Link;

beforeEach(() => {
  socket = new FakeSocket();
  heard = [];
  waits = [];
  const sink: LinkSink = {
    connected: () => heard.push(["connected"]),
    lost: () => heard.push(["lost"]),
    refused: (reason, code) => heard.push(["refused", reason, code]),
    snapshot: (list) => heard.push(["snapshot", list]),
    update: (record) => heard.push(["update", record]),
    removed: (id) => heard.push(["removed", id]),
    rows: (_cols, rows, first, last) => heard.push(["rows", rows, first, last]),
    delta: (rows, gone) => heard.push(["delta", rows, gone]),
    turned: (change) => heard.push(["turned", change]),
    speaks: (version) => heard.push(["speaks", version]),
  };
  link = new Link(
    socket,
    sink,
    (run, ms) => waits.push({ run, ms }),
    () => 0.5,
  );
});

const first = 'web_connected([{"v":2,"hz":4}])';

describe("the link to the node", () => {
  it("says web_connected and what it understands at every connect", () => {
    socket.join();
    socket.drop();
    socket.join();
    expect(socket.emitted).toEqual([first, first]);
    expect(heard.map(([what]) => what)).toEqual(["connected", "lost", "connected"]);
  });

  it("hands on what the node says", () => {
    socket.say("load_clients", [1]);
    socket.say("web_client_update", { id: "a" });
    socket.say("web_client_disconnect", "a");
    expect(heard).toEqual([
      ["speaks", 1],
      ["snapshot", [1]],
      ["update", { id: "a" }],
      ["removed", "a"],
    ]);
  });

  it("asks for the list again on demand, but not while it is cut off", () => {
    link.resync();
    expect(socket.emitted).toEqual([]);
    socket.join();
    link.resync();
    expect(socket.emitted).toEqual([first, first]);
  });

  it("leaves a lost connection to the client's own retries", () => {
    socket.drop(true);
    socket.say("connect_error", new Error("xhr poll error"));
    expect(heard).toEqual([["lost"], ["lost"]]);
    expect(waits).toEqual([]);
  });

  it("comes back, after a pause, to a server that sent it away", () => {
    socket.join();
    socket.drop(false);
    expect(waits).toHaveLength(1);
    expect(waits[0]?.ms).toBe((askAgainMs.least + askAgainMs.most) / 2);
    waits[0]?.run();
    expect(socket.connects).toBe(1);
  });

  it("tells why it was refused, and asks again after a pause", () => {
    socket.active = false;
    socket.say("connect_error", new Error("not authorized"));
    expect(heard).toEqual([["refused", "not authorized", ""]]);
    waits[0]?.run();
    expect(socket.connects).toBe(1);
  });

  it("survives a refusal without a reason", () => {
    socket.active = false;
    socket.say("connect_error", "odd");
    expect(heard).toEqual([["refused", "", ""]]);
  });
});

it("the client polls first and then upgrades, on the path of the settings", () => {
  const options = clientOptions({ url: "http://x", path: "/mad/socket.io/", version: "" });
  expect(options.transports).toEqual(["polling", "websocket"]);
  expect(options.path).toBe("/mad/socket.io/");
});

describe("a node of the second version", () => {
  beforeEach(() => {
    socket.join();
    socket.say("fleet_snapshot", { cols: [], rows: [1], last: false, cursor: "n.5" });
    socket.say("fleet_snapshot", { cols: [], rows: [2], last: true, cursor: "n.5" });
  });

  it("may begin a snapshot anew in the middle of one", () => {
    socket.say("fleet_snapshot", { cols: [], rows: [1], last: false, cursor: "n.6" });
    socket.say("fleet_snapshot", { cols: [], rows: [3], last: false, cursor: "n.7" });
    socket.say("fleet_snapshot", { cols: [], rows: [4], last: true, cursor: "n.7" });
    expect(heard.slice(-3)).toEqual([
      ["rows", [1], true, false],
      ["rows", [3], true, false],
      ["rows", [4], false, true],
    ]);
  });

  it("is known by its first word, and its chunks are first and last", () => {
    expect(heard).toEqual([
      ["connected"],
      ["speaks", 2],
      ["rows", [1], true, false],
      ["rows", [2], false, true],
    ]);
  });

  it("is told the newest cursor at the next connect", () => {
    socket.say("fleet_delta", { rows: [], gone: [], cursor: "n.6" });
    socket.drop();
    socket.join();
    expect(socket.emitted.at(-1)).toBe('web_connected([{"v":2,"hz":4,"cursor":"n.6"}])');
  });

  it("is asked for a whole snapshot when one was cut off in the middle", () => {
    socket.say("fleet_snapshot", { cols: [], rows: [1], last: false });
    socket.drop();
    socket.join();
    expect(socket.emitted.at(-1)).toBe(first);
    socket.say("fleet_snapshot", { cols: [], rows: [1], last: true });
    expect(heard.at(-1)).toEqual(["rows", [1], true, true]);
  });

  it("is asked for less while nobody looks, and for what was missed after that", () => {
    link.pace(true);
    expect(socket.emitted.at(-1)).toBe('web_connected([{"v":2,"hz":0.2,"cursor":"n.5"}])');
    link.pace(true);
    link.pace(false);
    expect(socket.emitted.at(-1)).toBe('web_connected([{"v":2,"hz":4,"cursor":"n.5"}])');
    expect(socket.emitted).toHaveLength(3);
  });

  it("is asked for a column more when one is needed, once", () => {
    link.need("os");
    link.need("os");
    expect(socket.emitted).toHaveLength(2);
    expect(socket.emitted.at(-1)).toMatch(/"fields":\["id",.*"v","os"\]\}\]\)$/);
  });

  it("that is about to stop is left before, not by all at once", () => {
    socket.say("node_draining", { after_ms: 5000 });
    expect(waits.at(-1)?.ms).toBe(2000);
    waits.at(-1)?.run();
    expect(socket.connects).toBe(1);
  });
});

it("a page that nobody looks at asks an original node for nothing until it is seen", () => {
  socket.join();
  socket.say("load_clients", []);
  link.pace(true);
  expect(socket.emitted).toHaveLength(1);
  link.pace(false);
  expect(socket.emitted).toHaveLength(2);
});
