// A client whose connection breaks comes back on another node, by mad or by the reference.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { io } from "socket.io-client";
import { startFleet } from "../lib/fleet.mjs";
import { noRedis } from "../lib/redis_server.mjs";
import { until } from "../lib/wait.mjs";

describe("recovery over streams", { skip: noRedis }, () => {
  let fleet;
  before(async () => {
    const mad = { kind: "mad", args: ["--adapter", "streams", "--recovery"] };
    fleet = await startFleet({
      mad1: mad,
      mad2: { ...mad, args: [...mad.args, "--threads", "2"] },
      node: { kind: "streams", args: ["--recovery", "on"] },
    });
  });
  after(() => fleet?.stop());

  for (const [from, to] of [
    ["mad1", "mad2"],
    ["mad2", "mad1"],
    ["mad1", "node"],
    ["node", "mad1"],
    ["mad1", "mad1"],
  ])
    it(`from ${from} to ${to}`, async () => {
      const teller = fleet.clients[from === "mad1" ? "mad2" : "mad1"];
      const heard = [];
      const open = (name) =>
        io(fleet.nodes[name].url, { transports: ["websocket"], forceNew: true, reconnection: false });
      const first = open(from);
      first.onAny((event, ...args) => heard.push([event, ...args]));
      await until(() => first.connected, "the connection");
      const id = first.id;
      await new Promise((done) => first.emit("join", "home", done));
      await new Promise((done) => first.emit("x-data", { user: "bob" }, done));
      await teller.ask("x-emit", {}, "seen", 1);
      await until(() => heard.some(([event]) => event === "seen"), "seen");
      const offset = heard.find(([event]) => event === "seen").at(-1);
      assert.match(offset, /^\d+-\d+$/);
      first.io.engine.close();
      await until(() => first.disconnected, "the break");
      await teller.ask("x-emit", { rooms: ["home"] }, "missed", Buffer.from([9]));
      await teller.ask("x-emit", { rooms: ["elsewhere"] }, "not his");
      await teller.ask("x-emit", { except: ["home"] }, "nor this");

      const second = open(to);
      second.disconnect();
      second._pid = first._pid;
      second._lastOffset = first._lastOffset;
      const after = [];
      second.onAny((event, ...args) => after.push([event, ...args]));
      second.connect();
      await until(() => second.connected, "the return");
      assert.equal(second.recovered, true);
      assert.equal(second.id, id);
      await teller.ask("x-emit", { rooms: ["home"] }, "later");
      await until(() => after.some(([event]) => event === "later"), "later");
      const events = after.map(([event]) => event).filter((event) => event !== "auth");
      assert.deepEqual(events, ["missed", "later"]);
      assert.deepEqual([...after.find(([event]) => event === "missed")[1]], [9]);
      const { sockets } = await teller.ask("x-fetch", { rooms: ["home"] });
      assert.deepEqual(sockets.map((s) => s.data), [{ user: "bob" }]);
      second.close();
      await until(
        async () => (await teller.ask("x-fetch", { rooms: ["home"] })).sockets.length === 0,
        "nobody at home",
      );
    });
});
