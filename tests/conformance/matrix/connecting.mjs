// How a client gets in.

import assert from "node:assert/strict";
import { connected, count } from "./common.mjs";

const idForm = /^[\w-]{20}$/;

export const connecting = {
  "auth reaches the server": async (peers) => {
    const auth = { token: "abc", nested: { list: [1, "€", null] } };
    const peer = await peers.join("/", { auth });
    assert.deepEqual(await peer.next("auth"), [auth]);
  },

  "auth may be a function": async (peers) => {
    const peer = await peers.join("/", { auth: (give) => give({ token: "later" }) });
    assert.deepEqual(await peer.next("auth"), [{ token: "later" }]);
  },

  "no auth is an empty object": async (peers) => {
    const peer = await peers.join();
    assert.deepEqual(await peer.next("auth"), [{}]);
  },

  "ids are 20 characters and not the session's": async (peers) => {
    const peer = await peers.join();
    const other = await peers.beside(peer, "/custom");
    const ids = [peer.socket.id, other.socket.id, peer.engine.id];
    for (const id of ids) assert.match(id, idForm);
    assert.equal(new Set(ids).size, 3);
    assert.equal(await peer.ask("whoami"), ids[0]);
    assert.equal(await other.ask("whoami"), ids[1]);
  },

  "the query reaches the server": async (peers) => {
    const query = { user: "a b&c=d", "ключ": "€😀", empty: "", plus: "1+1" };
    const peer = await peers.join("/", { query });
    const got = await peer.ask("handshake-query");
    for (const [key, value] of Object.entries(query)) assert.equal(got[key], value);
    assert.equal(got.EIO, "4");
    assert.equal(got.transport, peers.column === "websocket" ? "websocket" : "polling");
  },

  "it runs on the transport asked for": async (peers) => {
    const peer = await peers.join();
    assert.equal(peer.wire, peers.column === "polling" ? "polling" : "websocket");
    await connected(peer);
  },

  "events sent before the connection go out after it, in order": async (peers) => {
    const peer = peers.start();
    for (let i = 0; i < 20; i++) peer.emit("message", i);
    assert.deepEqual(await peer.collect("message-back", 20), count(20));
  },

  "base64 instead of bytes, when the client wants it": async (peers) => {
    const peer = await peers.join("/", { forceBase64: true });
    const value = [Buffer.from([1, 2, 255]), "x"];
    assert.deepEqual(await peer.ask("echo", value), value);
  },

  "twenty clients at once": async (peers) => {
    const all = await Promise.all(Array.from({ length: 20 }, () => peers.join()));
    assert.equal(new Set(all.map(({ socket }) => socket.id)).size, 20);
    const echoes = await Promise.all(all.map((peer, i) => peer.ask("echo", i)));
    assert.deepEqual(echoes, count(20));
  },
};
