// What a client may rely on. Each row runs for every client that can what it needs, on every
// transport: `peers` opens peers of the client and column at hand, `tag` is a word no other row has
// (rows run side by side on one server).

import assert from "node:assert/strict";
import { able, needs } from "./common.mjs";
import { connecting } from "./connecting.mjs";
import { endings } from "./endings.mjs";
import { events } from "./events.mjs";
import { namespaces } from "./namespaces.mjs";
import { rooms } from "./rooms.mjs";
import { upgrading } from "./upgrading.mjs";
import { binaries, foreign, values } from "./values.mjs";

const sent = [
  ...[...values, ...binaries].map(([name, value]) => [name, value, value, []]),
  ...foreign.map(([name, value, back, ...more]) => [name, value, back, ["javascript", ...more]]),
];

const echo = Object.fromEntries(
  sent.map(([name, value, back, abilities]) => [
    `echo of ${name}`,
    needs(abilities, async (peers) => {
      const peer = await peers.join();
      assert.deepEqual(await peer.ask("echo", value), back);
      peer.emit("message", "and", value);
      assert.deepEqual(await peer.next("message-back"), ["and", back]);
    }),
  ]),
);

const all = Object.entries({
  ...connecting,
  ...events,
  ...namespaces,
  ...rooms,
  ...endings,
  ...upgrading,
  ...echo,
});

/** [name, run(peers, tag)] of every row for a client that can `abilities`. */
export function rowsFor(abilities) {
  return all.filter(([, run]) => able(abilities, run));
}
