// Nodes of socket.io 2.3 and 3.1 with the adapters of their time, and nodes of mad. What cannot
// work between releases is in docs/nodes.md.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { startFleet } from "../lib/fleet.mjs";
import { noRedis } from "../lib/redis_server.mjs";
import { until } from "../lib/wait.mjs";

const bytes = Buffer.from([1, 2, 3]);

describe("socket.io 2.3 with socket.io-redis 5.2, and mad with compat", { skip: noRedis }, () => {
  let fleet, old, mad, other;
  before(async () => {
    const compat = { kind: "mad", args: ["--adapter", "compat"] };
    fleet = await startFleet({ old: { kind: "v2" }, mad: compat, other: compat });
    ({ old, mad, other } = fleet.clients);
    for (const c of fleet.all) await c.ask("join", "room");
  });
  after(() => fleet?.stop());

  it("text goes both ways, to all and to rooms", async () => {
    for (const from of fleet.all) {
      await from.ask("x-emit", {}, "t", 1, "é", { u: null });
      await from.ask("x-emit", { rooms: ["room"] }, "r", 2);
      for (const c of fleet.all) {
        assert.deepEqual(await c.hears("t"), [1, "é", { u: null }]);
        assert.deepEqual(await c.hears("r"), [2]);
      }
      await from.ask("x-others", {}, "others", 3);
      for (const c of fleet.all) if (c !== from) assert.deepEqual(await c.hears("others"), [3]);
    }
  });

  it("bytes go both ways", async () => {
    for (const from of fleet.all) {
      await from.ask("x-emit", {}, "bin", bytes);
      for (const c of fleet.all) assert.deepEqual([...(await c.hears("bin"))[0]], [1, 2, 3]);
    }
  });

  it("2.3 asks for clients and rooms, and gets those of mad", async () => {
    const { clients } = await old.ask("x-clients", ["room"]);
    assert.deepEqual(clients.sort(), fleet.all.map((c) => c.id).sort());
    const { rooms } = await old.ask("x-client-rooms", mad.id);
    assert.deepEqual(rooms.sort(), [mad.id, "room"].sort());
    const all = await old.ask("x-rooms");
    for (const room of ["room", old.id, mad.id, other.id]) assert.ok(all.rooms.includes(room));
  });

  it("2.3 joins and takes out a socket of mad", async () => {
    await old.ask("x-remote-join", mad.id, "far");
    assert.deepEqual((await old.ask("x-clients", ["far"])).clients, [mad.id]);
    await old.ask("x-remote-leave", mad.id, "far");
    assert.deepEqual((await old.ask("x-clients", ["far"])).clients, []);
  });

  it("mad asks for sockets, and gets those of 2.3 by their ids", async () => {
    await other.ask("x-data", { n: 1 });
    const { sockets, error } = await mad.ask("x-fetch", { rooms: ["room"] });
    assert.equal(error, undefined);
    assert.deepEqual(sockets.map((s) => s.id).sort(), fleet.all.map((c) => c.id).sort());
    assert.deepEqual(sockets.find((s) => s.id === other.id).data, { n: 1 });
    const some = await mad.ask("x-fetch", { rooms: ["room"], except: [old.id, other.id] });
    assert.deepEqual(some.sockets.map((s) => s.id), [mad.id]);
    const all = await mad.ask("x-rooms");
    for (const room of ["room", old.id, mad.id, other.id]) assert.ok(all.rooms.includes(room));
  });

  it("mad joins and takes out sockets of 2.3", async () => {
    await mad.ask("x-join", { rooms: ["room"] }, ["x"]);
    const inX = async () => (await old.ask("x-clients", ["x"])).clients.length;
    await until(async () => (await inX()) === 3, "all in x");
    await mad.ask("x-leave", { rooms: ["x"] }, ["x"]);
    await until(async () => (await inX()) === 0, "nobody in x");
  });

  it("server events are custom requests", async () => {
    const asked = await mad.ask("x-sse-ack", {}, "sse", "hi");
    assert.equal(asked.error, null);
    assert.deepEqual(asked.values.sort(), ["heard hi", "v2 heard hi"]);
    assert.deepEqual(await old.hears("sse-heard"), [["sse", "hi"]]);
    const { values } = await old.ask("x-custom", ["sse", "yo"]);
    assert.deepEqual(values.sort(), ["heard yo", "heard yo", "v2 heard yo"]);
    const unheard = await old.ask("x-custom", { any: "data" });
    assert.equal(unheard.values.length, 3);
  });

  it("an acknowledged broadcast asks the sockets of its own node, and harms nobody", async () => {
    assert.deepEqual(await mad.ask("x-ask", {}), { error: null, values: ["from mad"] });
    await old.ask("x-emit", {}, "alive");
    for (const c of fleet.all) await c.hears("alive");
  });

  it("sockets of 2.3 are disconnected, and 2.3 disconnects one of mad", async () => {
    await old.ask("x-remote-end", other.id);
    await until(() => other.ended, "the end of other");
    await mad.ask("x-disconnect", { rooms: [old.id] }, true);
    await until(() => old.ended, "the end of old");
  });
});

describe("releases 2, 3 and 4, and mad", { skip: noRedis }, () => {
  let fleet;
  before(async () => {
    fleet = await startFleet({
      v2: { kind: "v2" },
      v3: { kind: "v3" },
      v4: { kind: "classic" },
      mad: { kind: "mad" },
    });
    for (const c of fleet.all) await c.ask("join", "room");
  });
  after(() => fleet?.stop());

  it("text goes from each to each", async () => {
    for (const from of fleet.all) {
      await from.ask("x-emit", {}, "t", 1);
      await from.ask("x-emit", { rooms: ["room"] }, "r", 2);
      for (const c of fleet.all) {
        assert.deepEqual(await c.hears("t"), [1]);
        assert.deepEqual(await c.hears("r"), [2]);
      }
    }
  });

  it("bytes go from each to mad, and from mad to 3 and 4", async () => {
    const { v3, v4, mad } = fleet.clients;
    for (const from of fleet.all) {
      await from.ask("x-emit", { rooms: [mad.id] }, "bin", bytes);
      assert.deepEqual([...(await mad.hears("bin"))[0]], [1, 2, 3]);
    }
    await mad.ask("x-emit", {}, "bin", bytes);
    for (const c of [v3, v4]) assert.deepEqual([...(await c.hears("bin"))[0]], [1, 2, 3]);
  });

  it("rooms are excepted on 3 and 4", async () => {
    const { v3, v4, mad } = fleet.clients;
    await mad.ask("x-emit", { except: ["room"] }, "ex");
    await mad.ask("x-emit", {}, "end");
    for (const c of [v3, v4, mad]) {
      await c.hears("end");
      assert.ok(!c.heard.some(([event]) => event === "ex"));
    }
  });

  it("a request that 2.3 does not know ends in time, with the words of the reference", async () => {
    assert.deepEqual(await fleet.clients.mad.ask("x-fetch", {}), {
      error: "timeout reached while waiting for fetchSockets response",
    });
  });
});
