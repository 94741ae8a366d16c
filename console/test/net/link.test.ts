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
    refused: (reason) => heard.push(["refused", reason]),
    snapshot: (list) => heard.push(["snapshot", list]),
    update: (record) => heard.push(["update", record]),
    removed: (id) => heard.push(["removed", id]),
  };
  link = new Link(
    socket,
    sink,
    (run, ms) => waits.push({ run, ms }),
    () => 0.5,
  );
});

describe("the link to the node", () => {
  it("says web_connected with no payload at every connect", () => {
    socket.join();
    socket.drop();
    socket.join();
    expect(socket.emitted).toEqual(["web_connected", "web_connected"]);
    expect(heard.map(([what]) => what)).toEqual(["connected", "lost", "connected"]);
  });

  it("hands on what the node says", () => {
    socket.say("load_clients", [1]);
    socket.say("web_client_update", { id: "a" });
    socket.say("web_client_disconnect", "a");
    expect(heard).toEqual([
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
    expect(socket.emitted).toEqual(["web_connected", "web_connected"]);
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
    expect(heard).toEqual([["refused", "not authorized"]]);
    waits[0]?.run();
    expect(socket.connects).toBe(1);
  });

  it("survives a refusal without a reason", () => {
    socket.active = false;
    socket.say("connect_error", "odd");
    expect(heard).toEqual([["refused", ""]]);
  });
});

it("the client polls first and then upgrades, on the path of the settings", () => {
  const options = clientOptions({ url: "http://x", path: "/mad/socket.io/", version: "" });
  expect(options.transports).toEqual(["polling", "websocket"]);
  expect(options.path).toBe("/mad/socket.io/");
});
