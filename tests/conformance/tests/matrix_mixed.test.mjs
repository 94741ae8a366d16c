// Clients of all releases on one server at the same time: both revisions, every transport.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Peers, clients, columns } from "../lib/clients.mjs";
import { shards } from "../lib/matrix.mjs";
import { both, calm, withServer } from "../lib/suite.mjs";
import { connected, count } from "../matrix/common.mjs";

/** What goes round: text and bytes, whose forms differ between the revisions and transports. */
const value = (i) => [`${i} é€😀\u0000`, { bytes: Buffer.from([i, 0, 255]), more: [i, null] }];

const rows = {
  "what one says to the room reaches all, in order": async (everybody, room) => {
    await Promise.all(everybody.map((peer) => peer.ask("join", room)));
    for (const [turn, speaker] of everybody.entries()) {
      for (const i of count(5)) speaker.emit("room-emit", room, turn, ...value(i));
      for (const peer of everybody) {
        for (const i of count(5)) {
          assert.deepEqual(await peer.next("room-out"), [turn, ...value(i)]);
        }
      }
    }
  },

  "what one says to the others reaches all but the speaker": async (everybody) => {
    for (const [turn, speaker] of everybody.entries()) {
      speaker.emit("bcast-others", turn, ...value(turn));
      for (const peer of everybody) {
        if (peer === speaker) continue;
        assert.deepEqual(await peer.next("others-out"), [turn, ...value(turn)]);
      }
      await connected(speaker);
      assert.deepEqual(speaker.rest("others-out"), []);
    }
  },

  "all say something to all at once": async (everybody) => {
    for (const [turn, speaker] of everybody.entries()) {
      for (const i of count(20)) speaker.emit("bcast", turn, i);
    }
    for (const peer of everybody) {
      const heard = new Map(everybody.map((_, turn) => [turn, []]));
      for (let n = 0; n < everybody.length * 20; n++) {
        const [turn, i] = await peer.next("bcast-out");
        heard.get(turn).push(i);
      }
      for (const list of heard.values()) assert.deepEqual(list, count(20));
    }
  },

  "one who is kicked leaves the others": async (everybody) => {
    for (const [i, peer] of everybody.entries()) {
      peer.emit("kick");
      assert.equal(await peer.left(), "io server disconnect");
      for (const other of everybody.slice(i + 1)) await connected(other);
    }
  },
};

describe("clients of all releases together", () => {
  const all = Object.values(clients).map(({ make }) => make());
  before(() => Promise.all(all.map((client) => client.load())));
  after(() => all.forEach((client) => client.end()));

  for (const n of shards) {
    const flags = [...calm, ...both, "--threads", String(n)];
    withServer(`${n} ${n === 1 ? "shard" : "shards"}`, { flags }, (server) => {
      for (const [name, run] of Object.entries(rows)) {
        test(name, async () => {
          const groups = all.flatMap((client) =>
            Object.keys(columns).map((column) => new Peers(server, client, column)),
          );
          try {
            await run(await Promise.all(groups.map((peers) => peers.join())), `mixed: ${name}`);
          } finally {
            groups.forEach((peers) => peers.close());
          }
        });
      }
    });
  }
});
