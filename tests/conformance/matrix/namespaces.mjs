// Several namespaces, and those that refuse.

import assert from "node:assert/strict";
import { connected } from "./common.mjs";

export const namespaces = {
  "two namespaces share a connection and nothing else": async (peers) => {
    const peer = await peers.join("/", { auth: { who: 1 } });
    const other = await peers.beside(peer, "/custom", { auth: { who: 2 } });
    assert.equal(other.engine, peer.engine);
    assert.deepEqual(await peer.next("auth"), [{ who: 1 }]);
    assert.deepEqual(await other.next("auth"), [{ who: 2 }]);
    other.emit("message", "custom");
    peer.emit("message", "root");
    assert.deepEqual(await other.next("message-back"), ["custom"]);
    assert.deepEqual(await peer.next("message-back"), ["root"]);
  },

  "leaving one namespace leaves the other": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    other.socket.disconnect();
    await connected(peer);
    assert.deepEqual(peer.rest("disconnect"), []);
  },

  "a namespace can be left and joined again": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    const before = other.socket.id;
    other.socket.disconnect();
    await connected(peer); // the leave has been read
    other.socket.connect();
    await other.next("connect");
    assert.notEqual(other.socket.id, before);
    await connected(other);
  },

  "a refusal with data": async (peers) => {
    const peer = peers.start("/denied", { reconnection: true, reconnectionDelay: 10 });
    const [error] = await peer.next("connect_error");
    assert.equal(error.message, "not authorized");
    assert.deepEqual(error.data, { code: "E_DENIED" });
    assert.equal(peer.socket.active, false);
  },

  "a refusal without data": async (peers) => {
    const peer = peers.start("/denied-plain");
    const [error] = await peer.next("connect_error");
    assert.equal(error.message, "plain refusal");
    assert.equal(error.data, undefined);
  },

  "an unknown namespace": async (peers) => {
    const peer = peers.start("/unknown");
    const [error] = await peer.next("connect_error");
    assert.equal(error.message, "Invalid namespace");
  },

  "a refusal does not touch other namespaces of the connection": async (peers) => {
    const peer = await peers.join();
    const refused = peers.startBeside(peer, "/denied");
    await refused.next("connect_error");
    await connected(peer);
    await connected(await peers.beside(peer, "/custom"));
  },
};
