// The chat of examples/chat as two people see it, in a real browser.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { launchBrowser, openConsole } from "./lib/page.mjs";
import { binaries, findBrowser, freePort, start, stopAll } from "./lib/programs.mjs";
import { until } from "./lib/until.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
const script = join(root, "tests/conformance/node_modules/socket.io-client/dist");
const noBrowser = findBrowser() === undefined ? "no Chromium on this machine" : false;

describe("the chat example", { skip: noBrowser }, () => {
  let server;
  let port;
  let browser;
  let ada;
  let grace;

  const startServer = () =>
    start("example_chat_server", [String(port), join(root, "examples/chat"), script]);

  async function enter(name) {
    const seen = await openConsole(browser, server.url, { viewport: { width: 640, height: 420 } });
    await say(seen, name);
    await until(`${name} to be in`, async () => (await people(seen)).includes(name));
    return seen;
  }

  async function say({ page }, text) {
    await page.fill("#line", text);
    await page.press("#line", "Enter");
  }

  const people = ({ page }) => page.textContent("#people");
  const lines = ({ page }) => page.$$eval("#said li", (all) => all.map((one) => one.innerText));
  const reads = (who, text) =>
    until(`"${text}"`, async () => (await lines(who)).some((line) => line.includes(text)));

  before(async () => {
    for (const path of [join(binaries, "example_chat_server"), script]) {
      assert.ok(existsSync(path), `${path} is missing`);
    }
    port = await freePort();
    server = await startServer();
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  it("lets two people in, and each sees the other", async () => {
    ada = await enter("Ada");
    grace = await enter("Grace");
    await reads(ada, "Grace came");
    for (const who of [ada, grace]) {
      await until("both names", async () => (await people(who)) === "Here: Ada, Grace");
    }
  });

  it("shows to both what either says, as text", async () => {
    await say(ada, "Is the engine ready? € 😀");
    await reads(grace, "Is the engine ready? € 😀");
    await say(grace, "<b>Since</b> this morning.");
    for (const who of [ada, grace]) await reads(who, "<b>Since</b> this morning.");
  });

  it("goes over to a websocket", async () => {
    for (const { watch } of [ada, grace]) {
      await until("a websocket", () => watch.webSockets.length > 0);
    }
    if (process.env.MAD_PICTURES) {
      await ada.page.screenshot({ path: join(process.env.MAD_PICTURES, "chat.png") });
    }
  });

  it("refuses a name that is taken", async () => {
    const other = await openConsole(browser, server.url);
    await say(other, "Ada");
    await reads(other, "taken");
    await other.page.context().close();
  });

  it("shows who comes later what was said before", async () => {
    const later = await enter("Mary");
    await reads(later, "Is the engine ready?");
    await later.page.context().close();
    for (const who of [ada, grace]) await reads(who, "Mary left");
  });

  it("is there again when the server comes back", async () => {
    ada.watch.outage = grace.watch.outage = true;
    await server.stop("SIGKILL");
    for (const who of [ada, grace]) {
      await until("the outage", async () => (await people(who)) === "Nobody is here.");
    }
    server = await startServer();
    for (const who of [ada, grace]) {
      await until("both names", async () => (await people(who)) === "Here: Ada, Grace");
    }
    await say(ada, "Still here?");
    await reads(grace, "Still here?");
  });

  it("had no fault on either page", () => {
    for (const { watch } of [ada, grace]) assert.deepEqual(watch.faults, []);
  });
});
