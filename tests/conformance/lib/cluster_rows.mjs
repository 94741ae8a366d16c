// What any two nodes of one adapter owe each other, whoever they are. `a` and `b` are clients on
// different nodes; both have joined `room`.

import assert from "node:assert/strict";
import { until } from "./wait.mjs";

const bytes = Buffer.from([1, 2, 255]);

export const rows = {
  async "text goes to all, to rooms, and not to who is excepted"({ a, b }) {
    const heard = [];
    for (const c of [a, b]) c.onHeard = (event) => heard.push([c, event]);
    await a.ask("x-emit", {}, "all", 1, "héllo", { a: [true, null, 1.5] }, -200, 5000000000);
    for (const c of [a, b])
      assert.deepEqual(await c.hears("all"), [1, "héllo", { a: [true, null, 1.5] }, -200, 5e9]);
    await a.ask("x-emit", { rooms: ["room"] }, "one-room", 1);
    await a.ask("x-emit", { rooms: ["room", "nobody"] }, "two-rooms", 2);
    await a.ask("x-emit", { rooms: [b.id] }, "direct");
    await a.ask("x-emit", { rooms: ["nobody"] }, "nobody");
    await a.ask("x-emit", { except: [b.id] }, "not-b");
    await a.ask("x-others", {}, "others", "x");
    await a.ask("x-emit", { compress: false }, "last");
    for (const c of [a, b]) assert.deepEqual(await c.hears("last"), []);
    assert.deepEqual(
      heard.filter(([who]) => who === b).map(([, event]) => event),
      ["all", "one-room", "two-rooms", "direct", "others", "last"],
    );
    assert.deepEqual(
      heard.filter(([who]) => who === a).map(([, event]) => event),
      ["all", "one-room", "two-rooms", "not-b", "last"],
    );
  },

  async "a volatile event arrives when nothing is in its way"({ a, b }) {
    await until(async () => {
      await a.ask("x-emit", { volatile: true }, "quick", 1);
      return b.heard.some(([event]) => event === "quick");
    }, "quick heard");
    assert.deepEqual(await b.hears("quick"), [1]);
  },

  async "bytes arrive as bytes"({ a, b }) {
    await a.ask("x-emit", {}, "bin", bytes, { deep: [bytes] });
    for (const c of [a, b]) {
      const [first, { deep }] = await c.hears("bin");
      assert.deepEqual([...first], [1, 2, 255]);
      assert.deepEqual([...deep[0]], [1, 2, 255]);
    }
  },

  async "sockets are found with their rooms and data"({ a, b }) {
    await a.ask("x-data", { name: "a" });
    await b.ask("x-data", { name: "b", n: 1 });
    const { sockets, error } = await a.ask("x-fetch", { rooms: ["room"] });
    assert.equal(error, undefined);
    assert.deepEqual(sockets.map((s) => s.id).sort(), [a.id, b.id].sort());
    const found = sockets.find((s) => s.id === b.id);
    assert.deepEqual(found.data, { name: "b", n: 1 });
    assert.deepEqual([...found.rooms].sort(), [b.id, "room"].sort());
    assert.equal(found.handshake.query.transport, "websocket");
    assert.ok(found.handshake.headers.host);
    const without = await a.ask("x-fetch", { rooms: ["room"], except: [a.id] });
    assert.deepEqual(without.sockets.map((s) => s.id), [b.id]);
  },

  async "sockets are joined to rooms and taken out"({ a, b }) {
    await a.ask("x-join", { rooms: ["room"] }, ["x", "y"]);
    const inRoom = async (room) =>
      (await a.ask("x-fetch", { rooms: [room] })).sockets.map((s) => s.id).sort();
    await until(async () => (await inRoom("x")).length === 2, "both in x");
    await a.ask("x-leave", { rooms: ["x"], except: ["nobody"] }, ["y"]);
    await until(async () => (await inRoom("y")).length === 0, "nobody in y");
    assert.deepEqual(await inRoom("x"), [a.id, b.id].sort());
    await b.ask("x-leave", {}, ["x"]);
    await until(async () => (await inRoom("x")).length === 0, "nobody in x");
  },

  async "a server's event reaches the others, who answer"({ a, b }) {
    await a.ask("x-sse", {}, "sse", `hi from ${a.id}`, { k: "v" });
    assert.deepEqual(await b.hears("sse-heard"), [`hi from ${a.id}`, { k: "v" }]);
    assert.deepEqual(await a.ask("x-sse-ack", {}, "sse", "you"), {
      error: null,
      values: ["heard you"],
    });
    assert.ok(!a.heard.some(([, text]) => text === `hi from ${a.id}`));
  },

  async "a broadcast is acknowledged by all"({ a, b }) {
    const { error, values } = await a.ask("x-ask", {});
    assert.equal(error, null);
    assert.deepEqual(values.map(String).sort(), [a, b].map((c) => c.answer).sort());
    const one = await a.ask("x-ask", { rooms: [b.id] });
    assert.deepEqual(one, { error: null, values: [b.answer] });
    assert.deepEqual(await a.ask("x-ask", { rooms: ["nobody"] }), { error: null, values: [] });
  },

  async "an acknowledgement that does not come ends the wait"({ a, b }) {
    b.mute = true;
    const { error, values } = await a.ask("x-ask", { timeout: 300 });
    b.mute = false;
    assert.equal(error, "operation has timed out");
    assert.deepEqual(values, [a.answer]);
  },
};

/** Ends the connections of both: the last row. */
export async function disconnectRow({ a, b }) {
  await a.ask("x-disconnect", { rooms: ["room"] }, true);
  for (const c of [a, b]) await until(() => c.ended, "the end");
  for (const c of [a, b]) assert.equal(c.ended, "io server disconnect");
}
