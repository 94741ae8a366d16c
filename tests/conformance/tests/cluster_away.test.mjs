// Redis ends, hangs and comes back: a node of mad goes on for its own, and then for all.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startFleet } from "../lib/fleet.mjs";
import { noRedisFor, startRedis } from "../lib/redis_server.mjs";
import { until } from "../lib/wait.mjs";

const flavours = {
  classic: ["--adapter", "classic"],
  sharded: ["--adapter", "sharded"],
  streams: ["--adapter", "streams"],
  "streams with recovery": ["--adapter", "streams", "--recovery"],
};

for (const [name, args] of Object.entries(flavours))
  describe(`${name}: Redis goes and comes`, { skip: noRedisFor(name) }, () => {
    let fleet;
    before(async () => {
      const node = { kind: "mad", args };
      fleet = await startFleet({ a: node, b: node });
    });
    after(() => fleet?.stop());

    const again = () =>
      until(
        async () => {
          const event = `back-${Math.random()}`;
          const { a, b } = fleet.clients;
          await a.ask("x-emit", {}, `${event}-a`);
          await b.ask("x-emit", {}, `${event}-b`);
          const has = (c, name) => c.heard.some(([e]) => e === name);
          const heard = () => has(b, `${event}-a`) && has(a, `${event}-b`);
          await until(heard, "the other node", 500).catch(() => {});
          return heard();
        },
        "both nodes to hear each other again",
        20_000,
      );

    it("without Redis a node's own sockets are reached, and no node ends", async () => {
      const { a, b } = fleet.clients;
      await fleet.redis.stop();
      for (const c of [a, b]) {
        await c.ask("x-emit", {}, "alone", 1);
        assert.deepEqual((await c.hears("alone")).slice(0, 1), [1]);
        await c.ask("x-join", {}, ["x"]);
        await c.ask("x-emit", { rooms: ["x"] }, "joined");
        await c.hears("joined");
      }
    });

    it("when it is back, so are the other nodes", async () => {
      fleet.redis = Object.assign(fleet.redis, await startRedis(fleet.redis.port));
      await again();
      // Answers have ways of their own to Redis, which may be back a moment later than events.
      const fetched = async () => (await fleet.clients.a.ask("x-fetch", {})).sockets.length;
      await until(async () => (await fetched()) === 2, "the sockets of both nodes");
    });

    it("while it hangs, a node's own sockets are reached", async () => {
      fleet.redis.signal("SIGSTOP");
      const { a, b } = fleet.clients;
      for (const c of [a, b]) {
        await c.ask("x-emit", {}, "hanging", 1);
        assert.deepEqual((await c.hears("hanging")).slice(0, 1), [1]);
      }
      fleet.redis.signal("SIGCONT");
      await again();
    });
  });
