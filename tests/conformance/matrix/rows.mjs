// What a socket.io-client may rely on. Each row runs on every transport: `peers` opens clients of
// the column at hand, `tag` is a word no other row has (rows run side by side on one server).

import assert from "node:assert/strict";
import { connecting } from "./connecting.mjs";
import { endings } from "./endings.mjs";
import { events } from "./events.mjs";
import { namespaces } from "./namespaces.mjs";
import { rooms } from "./rooms.mjs";
import { upgrading } from "./upgrading.mjs";
import { binaries, values } from "./values.mjs";

const echo = Object.fromEntries(
  [...values, ...binaries].map(([name, value, back = value]) => [
    `echo of ${name}`,
    async (peers) => {
      const peer = await peers.join();
      assert.deepEqual(await peer.ask("echo", value), back);
      peer.emit("message", "and", value);
      assert.deepEqual(await peer.next("message-back"), ["and", back]);
    },
  ]),
);

/** [name, run(peers, tag)] of every row. */
export const rows = Object.entries({
  ...connecting,
  ...events,
  ...namespaces,
  ...rooms,
  ...endings,
  ...upgrading,
  ...echo,
});
