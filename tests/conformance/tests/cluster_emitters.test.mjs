// Both emitters of npm, and nodes of mad.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { startFleet } from "../lib/fleet.mjs";
import { noRedis } from "../lib/redis_server.mjs";
import { until } from "../lib/wait.mjs";

const require = createRequire(import.meta.url);

describe("emitters", { skip: noRedis }, () => {
  let fleet, old, current, client;
  before(async () => {
    fleet = await startFleet({
      a: { kind: "mad" },
      b: { kind: "mad", args: ["--adapter", "compat"] },
    });
    await fleet.clients.b.ask("join", "room");
    const { createClient } = await import("redis");
    client = createClient({ url: fleet.redis.url });
    await client.connect();
    const { Emitter } = await import("@socket.io/redis-emitter");
    current = new Emitter(client);
    old = require("socket.io-emitter")({ host: "127.0.0.1", port: fleet.redis.port });
  });
  after(async () => {
    old?.redis.quit();
    await client?.quit();
    await fleet?.stop();
  });

  for (const name of ["socket.io-emitter 3.2", "@socket.io/redis-emitter 5.1"]) {
    const emitter = () => (name.startsWith("@") ? current : old);
    it(`${name}: text and bytes to all and to rooms`, async () => {
      const { a, b } = fleet.clients;
      emitter().emit("all", 1, { x: "é" });
      for (const c of [a, b]) assert.deepEqual(await c.hears("all"), [1, { x: "é" }]);
      emitter().to("room").emit("bin", Buffer.from([7, 8]));
      assert.deepEqual([...(await b.hears("bin"))[0]], [7, 8]);
      emitter().emit("end");
      for (const c of [a, b]) await c.hears("end");
      assert.ok(!a.heard.some(([event]) => event === "bin"));
    });
  }

  it("@socket.io/redis-emitter 5.1: except, rooms, server events, disconnecting", async () => {
    const { a, b } = fleet.clients;
    current.except("room").emit("not-b");
    assert.deepEqual(await a.hears("not-b"), []);
    current.in("room").socketsJoin("z");
    await until(async () => {
      current.to("z").emit("in-z");
      return b.heard.some(([event]) => event === "in-z");
    }, "b in z");
    assert.ok(!a.heard.some(([event]) => event === "in-z"));
    current.serverSideEmit("sse", "from the emitter");
    for (const c of [a, b]) assert.deepEqual(await c.hears("sse-heard"), ["from the emitter"]);
    current.in("room").disconnectSockets(true);
    await until(() => b.ended, "the end of b");
    assert.equal(a.ended, undefined);
  });
});
