// Events, acks and questions, both ways.

import assert from "node:assert/strict";
import { connected, count } from "./common.mjs";

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
    const got = await new Promise((ack) =>
      peer.emit("message-with-ack", ...args, (...back) => ack(back)),
    );
    assert.deepEqual(got, args);
  },

  "two hundred questions at once get their own answers": async (peers) => {
    const peer = await peers.join();
    const asked = count(200);
    assert.deepEqual(await Promise.all(asked.map((i) => peer.ask("echo", i))), asked);
  },

  "a question of the server": async (peers) => {
    const peer = await peers.join();
    peer.socket.on("question", (value, ack) => ack("answer to", value));
    peer.emit("ask", { v: [1, "€"] });
    assert.deepEqual(await peer.next("answered"), ["answer to", { v: [1, "€"] }]);
  },

  "a question of the server, with bytes both ways": async (peers) => {
    const peer = await peers.join();
    peer.socket.on("question", (value, ack) => ack(value, { more: Buffer.from([9]) }));
    peer.emit("ask", Buffer.from([7, 8]));
    const wanted = [Buffer.from([7, 8]), { more: Buffer.from([9]) }];
    assert.deepEqual(await peer.next("answered"), wanted);
  },

  "questions of the server in both namespaces": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    for (const [who, word] of [[peer, "root"], [other, "custom"]]) {
      who.socket.on("question", (value, ack) => ack(word, value));
    }
    peer.emit("ask", 1);
    other.emit("ask", 2);
    assert.deepEqual(await peer.next("answered"), ["root", 1]);
    assert.deepEqual(await other.next("answered"), ["custom", 2]);
  },

  "an ack that never comes times out on the client": async (peers) => {
    const peer = await peers.join();
    await assert.rejects(peer.socket.timeout(50).emitWithAck("nobody-listens"), /timed out/);
    await connected(peer);
  },

  "retries of the client get each packet through once": async (peers) => {
    const peer = await peers.join("/", { retries: 3, ackTimeout: 5000 });
    const acks = Array.from({ length: 20 }, (_, i) => peer.ask("message-with-ack", i));
    assert.deepEqual(await Promise.all(acks), count(20));
  },

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
    peer.socket.on("message-back", (i) => seen.push(i));
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

  "volatile events arrive on a quiet connection": async (peers) => {
    const peer = await peers.join();
    const arrived = peer.next("message-back");
    const repeat = setInterval(() => peer.socket.volatile.emit("message", "light"), 50);
    assert.deepEqual(await arrived.finally(() => clearInterval(repeat)), ["light"]);
  },
};
