// How a connection ends, and what a client makes of it.

import assert from "node:assert/strict";
import { until } from "../lib/wait.mjs";
import { again, alone, connected, count, needs } from "./common.mjs";

export const endings = {
  "kick: io server disconnect, and no new attempt": async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("kick");
    assert.equal(await peer.left(), "io server disconnect");
    assert.ok(!peer.comesBack);
  },

  "kick in one namespace leaves the other": async (peers) => {
    const [peer, other] = await peers.joinTogether();
    other.emit("kick");
    assert.equal(await other.left(), "io server disconnect");
    await connected(peer);
  },

  "kick-conn: io server disconnect in every namespace": async (peers) => {
    const both = await peers.joinTogether(["/", "/custom"], again);
    both[0].emit("kick-conn");
    for (const peer of both) assert.equal(await peer.left(), "io server disconnect");
  },

  "after a kick the client may come back by itself": needs("joins", async (peers) => {
    const peer = await peers.join();
    const before = peer.id;
    peer.emit("kick");
    await peer.left();
    await peer.connect();
    await peer.next("connect");
    assert.notEqual(peer.id, before);
    await connected(peer);
  }),

  "drop-conn: transport close": async (peers) => {
    const peer = await peers.join();
    peer.emit("drop-conn");
    assert.equal(await peer.left(), peers.client.dropped(peers.column));
  },

  "after drop-conn the client is back with new ids": needs("returns", async (peers) => {
    const [peer, other] = await peers.joinTogether(["/", "/custom"], again);
    const before = [peer.id, other.id, peer.engineId];
    peer.emit("drop-conn");
    for (const who of [peer, other]) await who.left();
    for (const who of [peer, other]) await who.next("connect");
    const after = [peer.id, other.id, peer.engineId];
    assert.ok(!after.some((id) => before.includes(id)));
    await connected(peer);
    await connected(other);
  }),

  "events sent while away go out after the return, in order": needs("buffers", async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("drop-conn");
    await peer.left();
    for (let i = 0; i < 10; i++) peer.emit("message", i);
    await peer.next("connect");
    assert.deepEqual(await peer.collect("message-back", 10), count(10));
  }),

  "ten drops in a row": needs("returns", async (peers) => {
    const peer = await peers.join("/", again);
    for (let i = 0; i < 10; i++) {
      peer.emit("drop-conn");
      await peer.left();
      await peer.next("connect");
      await connected(peer);
    }
  }),

  "a connection that is cut by the network comes back": alone(async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", again);
    const before = peer.id;
    let gone = false;
    const reason = peer.left().finally(() => (gone = true));
    await until(() => {
      if (!gone) cable.cut(); // between two polls there is nothing to cut
      return gone;
    }, "cut noticed");
    assert.match(await reason, /^transport (close|error)$/);
    await peer.next("connect");
    assert.notEqual(peer.id, before);
    await connected(peer);
  }),

  "a server that is away for a while is found again": alone(async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", again);
    cable.plug(false);
    await peer.left();
    for (let i = 0; i < 3; i++) await peer.attemptFailed();
    cable.plug(true);
    await peer.next("connect");
    await connected(peer);
  }),

  "the client's own leave: io client disconnect": async (peers) => {
    const peer = await peers.join("/", again);
    peer.leave();
    assert.equal(await peer.left(), "io client disconnect");
  },

  "what the server says before it kicks arrives": async (peers) => {
    const peer = await peers.join();
    peer.emit("burst", 50).emit("kick-conn");
    assert.deepEqual(await peer.collect("burst-back", 50), count(50));
    await peer.left();
  },
};
