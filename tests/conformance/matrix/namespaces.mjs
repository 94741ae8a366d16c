// Several namespaces, and those that refuse.

import assert from "node:assert/strict";
import { connected, needs } from "./common.mjs";

export const namespaces = {
  "two namespaces share a connection and nothing else": async (peers) => {
    const [peer, other] = await peers.joinTogether();
    assert.equal(other.engineId, peer.engineId);
    other.emit("message", "custom");
    peer.emit("message", "root");
    assert.deepEqual(await other.next("message-back"), ["custom"]);
    assert.deepEqual(await peer.next("message-back"), ["root"]);
  },

  "each namespace has an auth of its own": needs(["auth", "joins"], async (peers) => {
    const peer = await peers.join("/", { auth: { who: 1 } });
    const other = await peers.beside(peer, "/custom", { auth: { who: 2 } });
    assert.deepEqual(await peer.next("auth"), [{ who: 1 }]);
    assert.deepEqual(await other.next("auth"), [{ who: 2 }]);
  }),

  "leaving one namespace leaves the other": needs("joins", async (peers) => {
    const [peer, other] = await peers.joinTogether();
    other.leave();
    await connected(peer);
    assert.deepEqual(peer.rest("disconnect"), []);
  }),

  "a namespace can be left and joined again": needs("joins", async (peers) => {
    const [peer, other] = await peers.joinTogether();
    const before = other.id;
    other.leave();
    await connected(peer); // the leave has been read
    other.socket.connect();
    await other.next("connect");
    if (peers.revision === 4) assert.notEqual(other.id, before);
    await connected(other);
  }),

  "a refusal with data": async (peers) => {
    const peer = peers.start("/denied", { reconnection: true, reconnectionDelay: 10 });
    const data = { code: "E_DENIED" };
    // Revision 3 carries the data or else the message.
    const wanted = peers.revision === 3 ? { data } : { message: "not authorized", data };
    assert.deepEqual(await peer.refused(), wanted);
  },

  "a refusal without data": async (peers) => {
    const peer = peers.start("/denied-plain");
    assert.deepEqual(await peer.refused(), { message: "plain refusal" });
  },

  "an unknown namespace": async (peers) => {
    const peer = peers.start("/unknown");
    assert.deepEqual(await peer.refused(), { message: "Invalid namespace" });
  },

  "a refusal does not touch other namespaces of the connection": async (peers) => {
    const [peer, refused, other] = peers.startTogether(["/", "/denied", "/custom"]);
    await Promise.all([peer.next("connect"), refused.refused(), other.next("connect")]);
    await connected(peer);
    await connected(other);
  },

  "after a refusal other namespaces can be joined": needs("joins", async (peers) => {
    const peer = await peers.join();
    for (const nsp of ["/denied", "/unknown"]) await peers.startBeside(peer, nsp).refused();
    await connected(peer);
    await connected(await peers.beside(peer, "/custom"));
  }),
};
