// Who comes into a mad-api with tokens: clients of old and new releases, on each wire, straight and
// through mad-proxy.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { isReference, serve } from "../lib/launch.mjs";
import { startProxy } from "../lib/proxied.mjs";
import { until, within } from "../lib/wait.mjs";

// Clients of 2.x take the WebSocket of Node 22 and newer when there is one, as in a browser; it can
// send no header.
delete globalThis.WebSocket;
const require = createRequire(import.meta.url);
const releases = {
  4: io,
  2.5: require("socket.io-client-2.5"),
  2.3: require("socket.io-client-2.3"),
};

const agent = "agent-token-0123456789abcdef";
const viewer = "viewer-token-0123456789abcdef";
const spare = "spare-token-0123456789abcdef";
const wrong = "wrong-token-0123456789abcdef";

const entry = (name, role, token, more = "") =>
  `[[token]]\nname = "${name}"\nrole = "${role}"\ntoken = "${token}"\n${more}`;
const known = (...more) =>
  [
    entry("agents", "agent", agent, 'ids = ["web-*"]\n'),
    entry("wall", "viewer", viewer),
    ...more,
  ].join("\n");
const record = (id) => ({ id, health: { storage: 1, network: 1 } });

describe("mad-api with tokens", { skip: isReference() }, () => {
  const folder = mkdtempSync(join(tmpdir(), "mad-access-"));
  const file = join(folder, "tokens.toml");
  const write = (text) => writeFileSync(file, text, { mode: 0o600 });
  const open = [];
  const said = { node: "", proxy: "" };
  let node, proxy;

  before(async () => {
    write(known());
    node = await serve("mad-api", ["--eio3", "on", "--tokens", file], "127.0.0.1:0");
    proxy = await startProxy([node]);
    node.program.child.stderr.on("data", (text) => (said.node += text));
    proxy.program.child.stderr.on("data", (text) => (said.proxy += text));
    await proxy.ready();
  });
  after(async () => {
    await proxy?.stop();
    await node?.stop();
    rmSync(folder, { recursive: true });
  });

  /** Rereads the file; done when the node has said so. */
  const reread = async (text) => {
    write(text);
    const told = () => said.node.split("program.reloaded").length;
    const earlier = told();
    node.program.child.kill("SIGHUP");
    await until(() => told() > earlier, "the reload");
  };

  /** `how`: "auth" (release 4) or "header". */
  const connect = (url, release, transport, how, token) => {
    const shown =
      how === "auth" ? { auth: { token } } : { extraHeaders: { Authorization: `Bearer ${token}` } };
    const socket = releases[release](url, {
      transports: [transport],
      forceNew: true,
      reconnection: false,
      ...shown,
    });
    open.push(socket);
    const outcome = new Promise((done) => {
      socket.on("connect", () => done("in"));
      for (const name of ["connect_error", "error"]) {
        socket.on(name, (error) => done(error.message ?? error));
      }
    });
    return { socket, outcome: within(outcome, "an outcome") };
  };

  const ask = (socket, ...event) =>
    within(new Promise((done) => socket.emit(...event, done)), `answer to ${event[0]}`);

  for (const way of ["straight", "proxied"]) {
    for (const [release, how] of [
      ["4", "auth"],
      ["4", "header"],
      ["2.5", "header"],
      ["2.3", "header"],
    ]) {
      for (const transport of ["polling", "websocket"]) {
        test(`${way}, release ${release}, token by ${how}, ${transport}`, async () => {
          const url = way === "straight" ? node.url : proxy.url;
          const enter = (token) => connect(url, release, transport, how, token);
          try {
            const bad = await enter(wrong).outcome;
            assert.notEqual(bad, "in");
            if (how === "auth") assert.equal(bad, "this node does not know the token");

            const writer = enter(agent);
            assert.equal(await writer.outcome, "in");
            assert.equal(await ask(writer.socket, "client_connected", record("web-1")), true);
            const other = await ask(writer.socket, "client_connected", record("db-1"));
            assert.match(other.error, /other ids or tags/);
            assert.match(
              (await ask(writer.socket, "web_connected")).error,
              /only send health records/,
            );

            const wall = enter(viewer);
            const list = new Promise((done) => wall.socket.on("load_clients", done));
            assert.equal(await wall.outcome, "in");
            wall.socket.emit("web_connected");
            assert.deepEqual(
              (await within(list, "the list")).map(({ id }) => id),
              ["web-1"],
            );
            assert.match(
              (await ask(wall.socket, "client_connected", record("web-2"))).error,
              /only read/,
            );

            await reread(known(entry("spare", "agent", spare)));
            const guest = enter(spare);
            assert.equal(await guest.outcome, "in");
            const ended = new Promise((done) => guest.socket.on("disconnect", done));
            await reread(known());
            await within(ended, "the end of a session whose token was withdrawn");
            assert.notEqual(await enter(spare).outcome, "in");
            assert.equal(wall.socket.connected, true);
          } finally {
            for (const socket of open.splice(0)) socket.close();
          }
        });
      }
    }
  }

  test("what is wrong with the file changes nothing, and no token is ever logged", async () => {
    write(known(entry("oops", "boss", spare)));
    node.program.child.kill("SIGHUP");
    await until(() => said.node.includes("program.reload.failed"), "the complaint");
    assert.match(said.node, /role: agent, viewer or admin/);
    const { socket, outcome } = connect(node.url, "4", "websocket", "auth", viewer);
    assert.equal(await outcome, "in");
    socket.close();
    for (const token of [agent, viewer, spare, wrong]) {
      assert.ok(!(said.node + said.proxy).includes(token));
    }
  });
});
