// The table and the map of tiles as people use them, over a made-up fleet (console/dev/mock.mjs): what
// only a real browser can tell.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { launchBrowser, openConsole, phase } from "./lib/page.mjs";
import { consoleBuild, findBrowser, freePort } from "./lib/programs.mjs";
import { pause, until } from "./lib/until.mjs";

const mock = fileURLToPath(new URL("../../console/dev/mock.mjs", import.meta.url));
const libraries = fileURLToPath(new URL("../../console/node_modules/socket.io", import.meta.url));
const hosts = 3000;

function whyNot() {
  if (findBrowser() === undefined) return "no Chromium on this machine";
  if (!existsSync(libraries)) return "the console's packages are not installed";
  return existsSync(join(consoleBuild, "index.html")) ? false : "the console is not built";
}

/** The ids of the rows that can be seen, from top to bottom. */
const shownIds = (page) =>
  page.$$eval(".body [role=row]:not(.group)", (rows) =>
    rows
      .map((row) => ({
        top: row.getBoundingClientRect().top,
        id: row.querySelector(".host").textContent,
      }))
      .filter(({ top }) => top >= 0 && top < window.innerHeight)
      .sort((a, b) => a.top - b.top)
      .map(({ id }) => id),
  );

const sideways = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });

describe("the table of three thousand hosts", { skip: whyNot() }, () => {
  let node;
  let url;
  let browser;
  const faults = [];

  /** Runs with a page at `path` and closes it. */
  const open = async (path, use, options = {}) => {
    const size = { viewport: { width: 1440, height: 900 } };
    const { page, watch } = await openConsole(browser, `${url}${path}`, { ...size, ...options });
    try {
      await until("the page to be live", async () => (await phase(page)) === "live");
      await use(page);
      faults.push(...watch.faults);
    } finally {
      await page.context().close();
    }
  };

  before(async () => {
    const port = await freePort();
    const settings = ["--hosts", `${hosts}`, "--port", `${port}`, "--root", consoleBuild];
    node = spawn(process.execPath, [mock, ...settings], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = await Promise.race([
      createInterface({ input: node.stdout })[Symbol.asyncIterator]()
        .next()
        .then(({ value }) => [value]),
      pause(15_000).then(() => ["the made-up fleet did not start"]),
    ]);
    assert.match(line, /^ready mock /);
    url = line.split(" ").at(-1);
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    node?.kill();
  });

  it("draws the rows in sight only, and says how many there are", () =>
    open("/", async (page) => {
      await until("rows", async () => (await shownIds(page)).length > 10);
      assert.ok((await page.$$(".body [role=row]")).length < 80);
      const grid = await page.$("[role=grid]");
      assert.equal(await grid.getAttribute("aria-rowcount"), `${hosts + 1}`);
      await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
      await until("the last row", async () =>
        page.$(`.body [role=row][aria-rowindex="${hosts + 1}"]`),
      );
    }));

  it("does not move rows under the pointer, and moves them when it leaves", () =>
    open("/?sort=-cpu", async (page) => {
      await page.hover(".body [role=row][aria-rowindex='4']");
      const still = await shownIds(page);
      await pause(4500);
      assert.deepEqual(await shownIds(page), still);
      await page.hover("h1");
      await until("another order", async () => `${await shownIds(page)}` !== `${still}`);
    }));

  it("goes by keys from the head to a host, to its page and back", () =>
    open("/", async (page) => {
      await page.focus("[role=grid] [tabindex='0']");
      for (let i = 0; i < 60; i += 1) await page.keyboard.press("ArrowDown");
      const row = () =>
        page.evaluate(() => document.activeElement.closest("[data-row]")?.dataset.row);
      assert.equal(await row(), "60");
      const seen = await page.evaluate(() => {
        const { top, bottom } = document.activeElement.getBoundingClientRect();
        const head = document.querySelector(".head").getBoundingClientRect().bottom;
        return top >= head - 1 && bottom <= window.innerHeight + 1;
      });
      assert.ok(seen, "the focused cell can be seen");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/host\//);
      await page.keyboard.press("Escape");
      await page.waitForURL((to) => to.pathname === "/");
    }));

  it("keeps search, order, groups, view and metric in the address", () =>
    open("/?q=role:web+cpu%3E5&sort=-mem&group=region&view=tiles&metric=mem", async (page) => {
      await page.waitForSelector(".tiles-map");
      await page.keyboard.press("t");
      await page.waitForSelector(".row.group");
      assert.equal(await page.inputValue("#search"), "role:web cpu>5");
      assert.equal(await page.getAttribute(".head .mem", "aria-sort"), "descending");
      await page.click(".counter[data-state=ok]");
      await page.waitForURL(/state:ok/);
      await page.reload();
      await page.waitForSelector(".counter[data-state=ok][aria-pressed=true]");
      assert.ok((await shownIds(page)).every((id) => id.startsWith("web-")));
    }));

  it("stands still while paused, and counts what waits", () =>
    open("/", async (page) => {
      await until("rows", async () => (await shownIds(page)).length > 10);
      await page.keyboard.press("p");
      await page.waitForSelector(".banner[data-phase=paused]");
      const text = () => page.textContent(".body");
      const before = await text();
      await until("updates to wait", async () =>
        /[1-9]\d* updates wait/.test((await page.textContent(".banner")).replaceAll(",", "")),
      );
      assert.equal(await text(), before);
      await page.keyboard.press("p");
      await until("values to go on", async () => (await text()) !== before);
    }));

  it("as tiles opens the host under the pointer and the one chosen by keys", () =>
    open("/?view=tiles", async (page) => {
      await page.waitForSelector(".tiles-map");
      await page.hover("canvas", { position: { x: 30, y: 30 } });
      const pointed = await page.textContent("#tile");
      assert.match(pointed, /, (ok|warn|crit|stale|offline), /);
      await page.focus(".tiles-map");
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("ArrowRight");
      await until("an option", () => page.$("[role=option][aria-selected=true]"));
      const painted = await page.$eval("canvas", (canvas) => {
        const { data } = canvas.getContext("2d").getImageData(0, 0, 200, 100);
        return new Set(Array.from({ length: 2000 }, (_, i) => data.slice(i * 40, i * 40 + 4).join()))
          .size;
      });
      assert.ok(painted > 5, `only ${painted} colours`);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/host\//);
    }));

  for (const [name, viewport, path] of [
    ["320 pixels", { width: 320, height: 568 }, "/"],
    ["320 pixels, in groups", { width: 320, height: 568 }, "/?group=tag:role"],
    ["200 % zoom", { width: 720, height: 450 }, "/"],
    ["a tablet", { width: 1024, height: 700 }, "/?sort=-state"],
    ["tiles on a phone", { width: 320, height: 568 }, "/?view=tiles"],
  ]) {
    it(`fits ${name}`, () =>
      open(path, async (page) => assert.ok((await sideways(page)) <= 0), { viewport }));
  }

  it("has targets of at least 24 pixels for fingers", () =>
    open(
      "/",
      async (page) => {
        await page.click(".menu-button");
        await page.waitForSelector(".menu");
        const small = await page.$$eval("button, select, .columns-choice label", (all) =>
          all
            .map((one) => ({ name: one.textContent, size: one.getBoundingClientRect() }))
            .filter(({ size }) => size.width > 0 && Math.min(size.width, size.height) < 23.9)
            .map(({ name }) => name),
        );
        assert.deepEqual(small, []);
      },
      { viewport: { width: 390, height: 800 }, hasTouch: true },
    ));

  it("hides its controls on a wall", () =>
    open("/?kiosk=1", async (page) => {
      assert.equal(await page.$(".controls, .filter, footer"), null);
      assert.equal((await page.$$(".counter")).length, 6);
    }));

  it("remembers theme and columns, and saves what is shown as CSV", () =>
    open("/?q=role:db", async (page) => {
      await page.click(".menu-button");
      await page.selectOption(".menu .choice:has-text('Theme') select", "dark");
      await page.click(".columns-choice label:has-text('Storage')");
      const download = page.waitForEvent("download");
      await page.click(".menu-actions button:has-text('CSV')");
      assert.equal((await download).suggestedFilename(), "fleet.csv");
      await page.goto(url);
      await page.waitForSelector("html[data-theme=dark]");
      await page.waitForSelector(".body [role=row]");
      assert.equal(await page.$(".head .storage"), null);
    }));

  it("goes on where it was after its node was lost", () =>
    open("/", async (page) => {
      await until("rows", async () => (await shownIds(page)).length > 10);
      await page.context().setOffline(true);
      await page.evaluate(() => window.dispatchEvent(new Event("offline")));
      await until("the page to be dim", async () => {
        return (await page.getAttribute(".page", "data-cut-off")) === "true";
      });
      await page.context().setOffline(false);
      await until("the page to be live", async () => (await phase(page)) === "live", {
        seconds: 40,
      });
      assert.match(await page.title(), new RegExp(`${hosts.toLocaleString("en-US")} hosts`));
    }));

  it("did nothing that its policy forbids", () => {
    const expected = /^console: (Failed to load resource|WebSocket connection to)/;
    assert.deepEqual(
      faults.filter((fault) => !expected.test(fault)),
      [],
    );
  });
});
