// The browser builds of socket.io-client, old and new, in a real browser, from a page of another
// origin: what they send differs from what the same releases send in Node (bytes in polling bodies).

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { launchBrowser, openConsole } from "./lib/page.mjs";
import { binaries, findBrowser, start, stopAll } from "./lib/programs.mjs";

const modules = fileURLToPath(new URL("../conformance/node_modules", import.meta.url));
const noBrowser = findBrowser() === undefined ? "no Chromium on this machine" : false;

const releases = {
  2.3: "socket.io-client-2.3",
  2.5: "socket.io-client-2.5",
  3.1: "socket.io-client-3.1",
  4: "socket.io-client",
};
const columns = {
  polling: ["polling"],
  websocket: ["websocket"],
  upgrade: ["polling", "websocket"],
};

const text = 'é€😀 "\u0000\u001e\u2028\\';

/** Runs in the page: everything that a row looks at afterwards. */
async function visit({ url, transports, text }) {
  // Release 2 asks with credentials otherwise, which `*` does not allow.
  const options = { withCredentials: false, forceNew: true, reconnection: false };
  const socket = globalThis.io(url, { transports, ...options });
  const once = (event) => new Promise((done) => socket.once(event, (...args) => done(args)));
  const ask = (...args) => new Promise((done) => socket.emit(...args, done));
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256);
  const list = (buffer) => [...new Uint8Array(buffer)];

  await once("connect");
  const seen = { text: await ask("echo", text) };
  seen.big = (await ask("echo", text.repeat(20_000))) === text.repeat(20_000);
  seen.bytes = list(await ask("echo", bytes.buffer));
  seen.noBytes = list(await ask("echo", new ArrayBuffer(0)));
  socket.once("question", (value, ack) => ack(value, bytes.buffer));
  const answered = once("answered");
  socket.emit("ask", { deep: [bytes.buffer] });
  const [value, answer] = await answered;
  seen.answered = [list(value.deep[0]), list(answer)];

  const got = [];
  const all = new Promise((done) => {
    socket.on("message-back", (i, more) => {
      got.push(more === undefined ? i : [i, ...list(more)]);
      if (got.length === 300) done();
    });
  });
  for (let i = 0; i < 300; i++) {
    if (i % 3 === 0) socket.emit("message", i, new Uint8Array([i % 256]).buffer);
    else socket.emit("message", i);
  }
  await all;
  seen.mixed = got;

  const { engine } = socket.io;
  if (transports.length === 2 && engine.transport.name === "polling") {
    await new Promise((done) => engine.once("upgrade", done));
  }
  seen.wire = engine.transport.name;
  globalThis.visited = socket;
  return seen;
}

/** Runs in the page: asks to be sent away, and gives the reason. */
function leave() {
  return new Promise((done) => globalThis.visited.on("disconnect", done).emit("kick-conn"));
}

describe("browser builds of socket.io-client", { skip: noBrowser }, () => {
  let server;
  let pages;
  let origin;
  let browser;

  before(async () => {
    const program = join(binaries, "conformance-server");
    assert.ok(existsSync(program), `${program} is missing`);
    server = await start("conformance-server", ["--listen", "0", "--eio3", "on", "--threads", "2"]);
    pages = createServer((request, response) => {
      const module = releases[request.url.slice(1)];
      const script = readFileSync(join(modules, module, "dist/socket.io.js"), "utf8");
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(`<!doctype html><link rel="icon" href="data:,"><script>${script}</script>`);
    });
    await new Promise((listening) => pages.listen(0, "127.0.0.1", listening));
    origin = `http://127.0.0.1:${pages.address().port}`;
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    pages?.close();
    await stopAll();
  });

  for (const release of Object.keys(releases)) {
    for (const [column, transports] of Object.entries(columns)) {
      it(`${release} over ${column}`, { timeout: 10_000 }, async () => {
        const { page, watch } = await openConsole(browser, `${origin}/${release}`);
        const seen = await page.evaluate(visit, { url: server.url, transports, text });
        watch.outage = true; // polling clients say goodbye to a session that has ended: 400
        const reason = await page.evaluate(leave);
        await page.context().close();

        const bytes = Array.from({ length: 300 }, (_, i) => i % 256);
        assert.equal(seen.text, text);
        assert.equal(seen.big, true, "a long text comes back");
        assert.deepEqual(seen.bytes, bytes);
        assert.deepEqual(seen.noBytes, []);
        assert.deepEqual(seen.answered, [bytes, bytes]);
        const mixed = Array.from({ length: 300 }, (_, i) => (i % 3 === 0 ? [i, i % 256] : i));
        assert.deepEqual(seen.mixed, mixed);
        assert.equal(seen.wire, column === "polling" ? "polling" : "websocket");
        assert.equal(reason, "io server disconnect");
        assert.deepEqual(watch.faults, []);
      });
    }
  }
});
