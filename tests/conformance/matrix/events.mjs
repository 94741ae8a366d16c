// Events, acks and questions, both ways.

import assert from "node:assert/strict";
import { connected, count, needs } from "./common.mjs";

export const events = {
  "arguments of an event": async (peers) => {
    const peer = await peers.join();
    const args = [1, "two", { three: [3] }, null, Buffer.from([4]), true];
    peer.emit("message", ...args);
    assert.deepEqual(await peer.next("message-back"), args);
  },

  "an event without arguments": async (peers) => {
    const peer = await peers.join();
    peer.emit("message");
    assert.deepEqual(await peer.next("message-back"), []);
  },

  "arguments of an ack": async (peers) => {
    const peer = await peers.join();
    const args = [1, "2", { 3: [false] }, Buffer.from([5, 6])];
    assert.deepEqual(await peer.askAll("message-with-ack", ...args), args);
  },

  "an ack without arguments": async (peers) => {
    const peer = await peers.join();
    assert.deepEqual(await peer.askAll("message-with-ack"), []);
  },

  "two hundred questions at once get their own answers": async (peers) => {
    const peer = await peers.join();
    const asked = count(200);
    assert.deepEqual(await Promise.all(asked.map((i) => peer.ask("echo", i))), asked);
  },

  "a question of the server": async (peers) => {
    const peer = await peers.join();
    peer.answer("question", (value) => ["answer to", value]);
    peer.emit("ask", { v: [1, "€"] });
    assert.deepEqual(await peer.next("answered"), ["answer to", { v: [1, "€"] }]);
  },

  "a question of the server, with bytes both ways": async (peers) => {
    const peer = await peers.join();
    peer.answer("question", (value) => [value, { more: Buffer.from([9]) }]);
    peer.emit("ask", Buffer.from([7, 8]));
    const wanted = [Buffer.from([7, 8]), { more: Buffer.from([9]) }];
    assert.deepEqual(await peer.next("answered"), wanted);
  },

  "questions of the server in both namespaces": async (peers) => {
    const [peer, other] = await peers.joinTogether();
    peer.answer("question", (value) => ["root", value]);
    other.answer("question", (value) => ["custom", value]);
    peer.emit("ask", 1);
    other.emit("ask", 2);
    assert.deepEqual(await peer.next("answered"), ["root", 1]);
    assert.deepEqual(await other.next("answered"), ["custom", 2]);
  },

  "an ack that never comes times out on the client": needs("timeouts", async (peers) => {
    const peer = await peers.join();
    await assert.rejects(peer.socket.timeout(50).emitWithAck("nobody-listens"), /timed out/);
    await connected(peer);
  }),

  "retries of the client get each packet through once": needs("retries", async (peers) => {
    const { socket } = await peers.join("/", { retries: 3, ackTimeout: 5000 });
    const acks = count(20).map((i) => socket.emitWithAck("message-with-ack", i));
    assert.deepEqual(await Promise.all(acks), count(20));
  }),

  "a burst of 500 from the server keeps its order": async (peers) => {
    const peer = await peers.join();
    peer.emit("burst", 500);
    assert.deepEqual(await peer.collect("burst-back", 500), count(500));
  },

  "a burst of 500 from the client keeps its order": async (peers) => {
    const peer = await peers.join();
    for (let i = 0; i < 500; i++) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 500), count(500));
  },

  "text, bytes and acks keep their order among each other": async (peers) => {
    const peer = await peers.join();
    const seen = [];
    for (let i = 0; i < 90; i++) {
      if (i % 3 === 0) peer.emit("message", i);
      if (i % 3 === 1) peer.emit("message", i, Buffer.from([i]));
      if (i % 3 === 2) peer.emit("echo", i, (back) => seen.push(back));
    }
    peer.on("message-back", (i) => seen.push(i));
    await peer.ask("echo", "last");
    assert.deepEqual(seen, count(90));
  },

  "300 kB to the client": async (peers) => {
    const peer = await peers.join();
    peer.emit("big", 300_000);
    const [text] = await peer.next("big-back");
    assert.equal(text.length, 300_000);
    assert.equal(new Set(text).size, 1);
  },

  "300 kB to the server and back": async (peers) => {
    const peer = await peers.join();
    const text = "0123456789€".repeat(25_000);
    assert.ok((await peer.ask("echo", text)) === text);
  },

  "300 kB of bytes as an event": async (peers) => {
    const peer = await peers.join();
    const bytes = Buffer.alloc(300_000, 0xa5);
    peer.emit("message", "bytes", { bytes });
    const [word, back] = await peer.next("message-back");
    assert.ok(word === "bytes" && bytes.equals(back.bytes));
  },

  "volatile events arrive on a quiet connection": needs("volatile", async (peers) => {
    const peer = await peers.join();
    const arrived = peer.next("message-back");
    const repeat = setInterval(() => peer.socket.volatile.emit("message", "light"), 50);
    assert.deepEqual(await arrived.finally(() => clearInterval(repeat)), ["light"]);
  }),
};
