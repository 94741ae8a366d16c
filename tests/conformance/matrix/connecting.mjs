// How a client gets in.

import assert from "node:assert/strict";
import { connected, count, needs } from "./common.mjs";

const idForm = /^[\w-]{20}$/;

export const connecting = {
  "auth reaches the server": needs("auth", async (peers) => {
    const auth = { token: "abc", nested: { list: [1, "€", null] } };
    const peer = await peers.join("/", { auth });
    assert.deepEqual(await peer.next("auth"), [auth]);
  }),

  "auth may be a function": needs("authFunction", async (peers) => {
    const peer = await peers.join("/", { auth: (give) => give({ token: "later" }) });
    assert.deepEqual(await peer.next("auth"), [{ token: "later" }]);
  }),

  "no auth is an empty object": async (peers) => {
    const peer = await peers.join();
    assert.deepEqual(await peer.next("auth"), [{}]);
  },

  "the query of a namespace is its auth": needs("nspQuery", async (peers) => {
    const peer = await peers.join();
    const query = { room: "r1", odd: "a b&c=d€😀" };
    const other = await peers.beside(peer, "/custom", { query });
    assert.deepEqual(await other.next("auth"), [query]);
    assert.equal(other.id, `/custom#${peer.engineId}`);
    await connected(other);
  }),

  "both sides have the same ids": async (peers) => {
    const [peer, other] = await peers.joinTogether();
    assert.match(peer.engineId, idForm);
    assert.equal(await peer.ask("whoami"), peer.id);
    assert.equal(await other.ask("whoami"), other.id);
    if (peers.revision === 3) {
      assert.deepEqual([peer.id, other.id], [peer.engineId, `/custom#${peer.engineId}`]);
    } else {
      for (const { id } of [peer, other]) assert.match(id, idForm);
      assert.equal(new Set([peer.id, other.id, peer.engineId]).size, 3);
    }
  },

  "the query reaches the server": async (peers) => {
    const query = { user: "a b&c=d", "ключ": "€😀", empty: "", plus: "1+1" };
    const peer = await peers.join("/", { query });
    const got = await peer.ask("handshake-query");
    for (const [key, value] of Object.entries(query)) assert.equal(got[key], value);
    assert.equal(got.EIO, String(peers.revision));
    assert.equal(got.transport, peers.column === "websocket" ? "websocket" : "polling");
  },

  "it runs on the transport asked for": async (peers) => {
    const peer = await peers.join();
    assert.equal(peer.wire, peers.column === "polling" ? "polling" : "websocket");
    await connected(peer);
  },

  "events sent before the connection go out after it, in order": needs("buffers", async (peers) => {
    const peer = peers.start();
    for (let i = 0; i < 20; i++) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 20), count(20));
  }),

  "base64 instead of bytes, when the client wants it": needs("base64", async (peers) => {
    const peer = await peers.join("/", { forceBase64: true });
    const value = [Buffer.from([1, 2, 255]), "x"];
    assert.deepEqual(await peer.ask("echo", value), value);
  }),

  "twenty clients at once": async (peers) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => peers.join()));
    assert.equal(new Set(all.map(({ id }) => id)).size, 20);
    const echoes = await Promise.all(all.map((peer, i) => peer.ask("echo", i)));
    assert.deepEqual(echoes, count(20));
  },
};
