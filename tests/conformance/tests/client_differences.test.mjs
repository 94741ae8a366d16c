// Where mad's client does otherwise than the reference client (deliberate.mjs): both are asked, by a
// server that plays the row's part. A difference that is none any more fails here.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WebSocketServer } from "ws";
import { clientDifferences, opening } from "../deliberate.mjs";
import { programs, start } from "../lib/launch.mjs";
import { next, within } from "../lib/wait.mjs";

/** What one client says to the row's server: the packets of the last connection, or a field. */
async function answers(program, { connections, field, mad }) {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", path: "/socket.io/" });
  await next(server, "listening");
  const client = start(program, [
    ...["--url", `http://127.0.0.1:${server.address().port}`],
    ...["--transport", "websocket", "--stay", "on"],
  ]);
  try {
    const played = new Promise((done) => {
      let number = 0;
      server.on("connection", (wire, request) => {
        const says = connections[number++];
        const isLast = number === connections.length;
        const heard = [];
        let alive = false; // it has answered the heartbeat behind what we say
        wire.on("message", (data) => {
          if (!says) return; // it came back once more
          if (String(data) === "3") alive = true;
          else heard.push(String(data));
          if (heard.length === 1 && !alive) for (const packet of [...says, "2"]) wire.send(packet);
          if (!alive) return;
          if (!isLast) wire.terminate();
          else if (field) done(request.headers[field]);
          else if (heard.length >= mad.length) done(heard); // handlers may run behind the heartbeat
        });
        wire.send(opening);
      });
    });
    const gone = client.exited.then((code) => {
      throw new Error(`${program} ended with ${code}:\n${client.errors}`);
    });
    return await within(Promise.race([played, gone]), "end of the row");
  } finally {
    client.child.kill("SIGKILL");
    for (const wire of server.clients) wire.terminate();
    server.close();
  }
}

describe("where mad's client differs from the reference client", { concurrency: 4 }, () => {
  for (const row of clientDifferences) {
    test(row.name, async (t) => {
      assert.notDeepEqual(row.mad, row.reference, "no difference");
      t.diagnostic(`differs: ${row.reason}`);
      assert.deepEqual(await answers("reference-client", row), row.reference, "the reference");
      if (programs["conformance-client"] === programs["reference-client"]) return;
      assert.deepEqual(await answers("conformance-client", row), row.mad, "mad");
    });
  }
});
