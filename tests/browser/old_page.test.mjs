// A page of the original in a real browser: socket.io-client 2.3 from another origin, with the
// options that it has by itself, against mad-api. Its agent is tests/conformance/legacy/agent.mjs.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { launchBrowser, openConsole } from "./lib/page.mjs";
import { binaries, findBrowser, start, stopAll } from "./lib/programs.mjs";
import { until } from "./lib/until.mjs";

const conformance = fileURLToPath(new URL("../conformance", import.meta.url));
const build = join(conformance, "node_modules/socket.io-client-2.3/dist/socket.io.js");
const noBrowser = findBrowser() === undefined ? "no Chromium on this machine" : false;

/** The page's own script: keeps the table as the original did. */
const script = (url) => `
  window.table = undefined;
  const socket = io("${url}", { reconnectionDelay: 50, reconnectionDelayMax: 200 });
  socket.emit("web_connected");
  socket.on("load_clients", (clients) => (table = clients));
  socket.on("web_client_update", (client) => {
    const known = table.some(({ socketID }) => socketID === client.socketID);
    if (!known) table.push(client);
    else table = table.map((row) => (row.id === client.id ? client : row));
  });
  socket.on("web_client_disconnect", (id) => (table = table.filter((row) => row.id !== id)));
`;

describe("a page of the original in a browser", { skip: noBrowser }, () => {
  let api;
  let pages;
  let browser;
  let seen;
  let agent;

  const table = () => seen.page.evaluate("window.table");
  const listed = (...ids) =>
    until(`the table to have ${ids.join() || "nobody"}`, async () => {
      const rows = await table();
      return rows && rows.map(({ id }) => id).join() === ids.join();
    });

  before(async () => {
    const program = join(binaries, "mad-api");
    assert.ok(existsSync(program), `${program} is missing`);
    pages = createServer((_, response) => {
      const scripts = `<script>${readFileSync(build, "utf8")}</script><script>${script(api.url)}`;
      response.setHeader("Content-Type", "text/html; charset=utf-8");
      response.end(`<!doctype html><link rel="icon" href="data:,">${scripts}</script>`);
    });
    await new Promise((listening) => pages.listen(0, "127.0.0.1", listening));
    const origin = `http://127.0.0.1:${pages.address().port}`;
    api = await start("mad-api", ["--listen", "0", "--eio3", "on", "--cors-origin", origin]);
    browser = await launchBrowser();
    seen = await openConsole(browser, origin);
  });

  after(async () => {
    agent?.kill("SIGKILL");
    await browser?.close();
    pages?.close();
    await stopAll();
  });

  it("gets the list over polling, from its own origin", async () => {
    await listed();
    assert.ok(seen.watch.origins.has(api.url), "it polled");
  });

  it("sees an agent of the original come, and its samples", async () => {
    const environment = { ...process.env, API_URL: api.url, CLIENT_ID: "web-1", INTERVAL: "100" };
    const file = join(conformance, "legacy/agent.mjs");
    const stdio = ["ignore", "ignore", "inherit"];
    agent = spawn(process.execPath, [file], { env: environment, stdio });
    await listed("web-1");
    const [{ health }] = await table();
    await until("another sample", async () => (await table())[0].health.network !== health.network);
  });

  it("goes over to a websocket", async () => {
    await until("a websocket", () => seen.watch.webSockets.length > 0);
  });

  it("sees the agent leave", async () => {
    agent.kill("SIGTERM");
    await listed();
  });

  it("had no fault", () => {
    assert.deepEqual(seen.watch.faults, []);
  });
});
