// How a connection ends, and what a client makes of it.

import assert from "node:assert/strict";
import { until } from "../lib/wait.mjs";
import { again, connected, count } from "./common.mjs";

export const endings = {
  "kick: io server disconnect, and no new attempt": async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("kick");
    assert.equal((await peer.next("disconnect"))[0], "io server disconnect");
    assert.equal(peer.socket.active, false);
  },

  "kick in one namespace leaves the other": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    other.emit("kick");
    assert.equal((await other.next("disconnect"))[0], "io server disconnect");
    await connected(peer);
  },

  "kick-conn: io server disconnect in every namespace": async (peers) => {
    const peer = await peers.join("/", again);
    const other = await peers.beside(peer, "/custom");
    peer.emit("kick-conn");
    for (const { next } of [peer, other].map((who) => ({ next: who.next("disconnect") }))) {
      assert.equal((await next)[0], "io server disconnect");
    }
  },

  "after a kick the client may come back by itself": async (peers) => {
    const peer = await peers.join();
    const before = peer.socket.id;
    peer.emit("kick");
    await peer.next("disconnect");
    peer.socket.connect();
    await peer.next("connect");
    assert.notEqual(peer.socket.id, before);
    await connected(peer);
  },

  "drop-conn: transport close": async (peers) => {
    const peer = await peers.join();
    peer.emit("drop-conn");
    assert.equal((await peer.next("disconnect"))[0], "transport close");
  },

  "after drop-conn the client is back with new ids": async (peers) => {
    const peer = await peers.join("/", again);
    const other = await peers.beside(peer, "/custom");
    const ids = [peer.socket.id, other.socket.id, peer.engine.id];
    peer.emit("drop-conn");
    for (const who of [peer, other]) await who.next("disconnect");
    for (const who of [peer, other]) await who.next("connect");
    ids.push(peer.socket.id, other.socket.id, peer.engine.id);
    assert.equal(new Set(ids).size, 6);
    await connected(peer);
    await connected(other);
  },

  "events sent while away go out after the return, in order": async (peers) => {
    const peer = await peers.join("/", again);
    peer.emit("drop-conn");
    await peer.next("disconnect");
    for (let i = 0; i < 10; i++) peer.emit("message", i);
    await peer.next("connect");
    assert.deepEqual(await peer.collect("message-back", 10), count(10));
  },

  "ten drops in a row": async (peers) => {
    const peer = await peers.join("/", again);
    for (let i = 0; i < 10; i++) {
      peer.emit("drop-conn");
      await peer.next("disconnect");
      await peer.next("connect");
      await connected(peer);
    }
  },

  "a connection that is cut by the network comes back": async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", again);
    const before = peer.socket.id;
    const gone = peer.next("disconnect");
    await until(() => {
      cable.cut(); // between two polls there is nothing to cut
      return !peer.socket.connected;
    }, "cut noticed");
    assert.match((await gone)[0], /^transport (close|error)$/);
    await peer.next("connect");
    assert.notEqual(peer.socket.id, before);
    await connected(peer);
  },

  "a server that is away for a while is found again": async (peers) => {
    const cable = await peers.throughCable();
    const peer = await peers.join("/", again);
    cable.plug(false);
    await peer.next("disconnect");
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => peer.socket.io.once("reconnect_error", resolve));
    }
    peer.emit("message", "kept");
    cable.plug(true);
    await peer.next("connect");
    assert.deepEqual(await peer.next("message-back"), ["kept"]);
  },

  "the client's own leave: io client disconnect": async (peers) => {
    const peer = await peers.join("/", again);
    peer.socket.disconnect();
    assert.equal((await peer.next("disconnect"))[0], "io client disconnect");
  },

  "what the server says before it kicks arrives": async (peers) => {
    const peer = await peers.join();
    peer.emit("burst", 50).emit("kick-conn");
    assert.deepEqual(await peer.collect("burst-back", 50), count(50));
    await peer.next("disconnect");
  },
};
