// socket.io-client against the server: every row of matrix/rows.mjs on every transport.

import { test } from "node:test";
import { Peers, columns } from "../lib/peer.mjs";
import { withServer } from "../lib/suite.mjs";
import { rows } from "../matrix/rows.mjs";

for (const column of Object.keys(columns)) {
  withServer(`socket.io-client: ${column}`, { concurrency: 4 }, (server) => {
    for (const [name, run] of rows) {
      test(name, async () => {
        const peers = new Peers(server, column);
        try {
          await run(peers, `${column}: ${name}`);
        } finally {
          peers.close();
        }
      });
    }
  });
}
