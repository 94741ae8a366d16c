#!/usr/bin/env node
// conformance-client on socket.io-client: shows that the rows of CLIENT.md are right.

import { createServer } from "node:net";
import { Peers, clients } from "../lib/clients.mjs";
import { within } from "../lib/wait.mjs";
import { rows } from "./client_rows.mjs";

const args = new Map();
for (let i = 2; i + 1 < process.argv.length; i += 2) args.set(process.argv[i], process.argv[i + 1]);
const [url, transport] = [args.get("--url"), args.get("--transport")];
if (!url || !["polling", "websocket", "upgrade"].includes(transport)) {
  process.stderr.write("usage: --url URL --transport polling|websocket|upgrade\n");
  process.exit(2);
}

if (args.get("--stay") === "on") {
  // Only that: it connects again and again until it is killed, and answers `ask`.
  const { io } = await import("socket.io-client");
  const socket = io(url, { transports: [transport], reconnectionDelay: 10, reconnectionDelayMax: 50 });
  socket.on("ask", (done) => done());
  await new Promise(() => {});
}

/** A port on which nobody listens. */
async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const client = clients["socket.io-client 4"].make();
await client.load();
let failed = 0;
for (const [name, run, only] of rows) {
  if (only && only !== transport) continue;
  const peers = new Peers({ url, freePort }, client, transport);
  try {
    await within(run(peers), `end of ${name}`);
    process.stdout.write(`ok ${name}\n`);
  } catch (error) {
    failed += 1;
    process.stdout.write(`not ok ${name} ${String(error.message).replaceAll("\n", " ")}\n`);
  } finally {
    peers.close();
  }
}
process.exitCode = failed ? 1 : 0;
