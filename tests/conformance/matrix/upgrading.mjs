// Traffic while the transport changes (on the other columns: right from the start).

import assert from "node:assert/strict";
import { pause } from "../lib/wait.mjs";
import { count, needs } from "./common.mjs";

export const upgrading = {
  "messages of the client during the upgrade": needs("buffers", async (peers) => {
    const peer = peers.start();
    const total = 300;
    for (let i = 0; i < total; i++) {
      peer.emit("message", i);
      if (i % 10 === 0) await pause(1); // spread over polling, probe and websocket
    }
    assert.deepEqual(await peer.collect("message-back", total), count(total));
    await peers.settled(peer);
  }),

  "messages of the server during the upgrade": async (peers, tag) => {
    const sender = await peers.join();
    for (let round = 0; round < 5; round++) {
      const room = `${tag} ${round}`;
      const peer = peers.start();
      await peer.next("connect");
      await peer.ask("join", room);
      for (let i = 0; i < 100; i++) {
        sender.emit("room-emit", room, i);
        if (i % 10 === 0) await pause(1); // as above
      }
      assert.deepEqual(await peer.collect("room-out", 100), count(100));
      await peers.settled(peer);
    }
  },

  "bytes during the upgrade": async (peers) => {
    const peer = peers.start();
    await peer.next("connect");
    for (let i = 0; i < 60; i++) peer.emit("message", i, Buffer.from([i]), { b: Buffer.from([i]) });
    for (let i = 0; i < 60; i++) {
      const bytes = Buffer.from([i]);
      assert.deepEqual(await peer.next("message-back"), [i, bytes, { b: bytes }]);
    }
    await peers.settled(peer);
  },

  "a kick during the upgrade": async (peers) => {
    const peer = peers.start();
    await peer.next("connect");
    peer.emit("kick-conn");
    assert.equal(await peer.left(), "io server disconnect");
  },
};
