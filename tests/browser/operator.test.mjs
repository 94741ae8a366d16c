// What an operator relies on, over the real programs: each row is one behaviour of the console with
// hosts whose values the test decides.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Agents, sample } from "./lib/agents.mjs";
import { launchBrowser, openConsole, phase, readRow } from "./lib/page.mjs";
import { consoleBuild, findBrowser, freePort, missing, start, stopAll } from "./lib/programs.mjs";
import { pause, until } from "./lib/until.mjs";

const clients = fileURLToPath(new URL("../conformance/node_modules/socket.io-client", import.meta.url));

function whyNot() {
  if (findBrowser() === undefined) return "no Chromium on this machine";
  return existsSync(clients) ? false : "the clients of the conformance tests are not installed";
}

const hot = { cpu: { pct: 99, user: 90, sys: 9, iowait: 0, steal: 0, cores: [99, 99, 99, 99] } };
const markup = "<img src=x onerror=alert(1)>";
const reversed = "abc\u202Ecba";
const long = "x".repeat(120);

/** Shows a page as hidden or seen; a headless one is always seen otherwise. */
const setHidden = (page, hidden) =>
  page.evaluate((value) => {
    Object.defineProperty(document, "visibilityState", {
      configurable: true,
      get: () => (value ? "hidden" : "visible"),
    });
    Object.defineProperty(document, "hidden", { configurable: true, get: () => value });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);

describe("what an operator relies on", { skip: whyNot(), timeout: 180_000 }, () => {
  let port;
  let proxy;
  let api;
  let web;
  let agents;
  let browser;
  const faults = [];

  const startNode = () =>
    start("mad-api", ["--listen", `127.0.0.1:${port}`, "--max-rate-per-address", "0"]);

  const open = async (path, use, options = {}) => {
    const size = { viewport: { width: 1440, height: 900 } };
    const { page, watch } = await openConsole(browser, `${proxy.url}${path}`, {
      ...size,
      ...options,
    });
    try {
      await until("the page to be live", async () => (await phase(page)) === "live");
      await use(page, watch);
      faults.push(...watch.faults);
    } finally {
      await page.context().close();
    }
  };
  const shows = (page, id) => until(`the row of ${id}`, () => readRow(page, id));
  const ids = (page) =>
    page.$$eval(".body [role=row] .host", (all) => all.map((one) => one.textContent).sort());
  const listed = (page, ...wanted) =>
    until(`only ${wanted}`, async () => `${await ids(page)}` === `${wanted.sort()}`);

  before(async () => {
    const lacking = missing();
    assert.equal(lacking, undefined, lacking);
    port = await freePort();
    api = await startNode();
    web = await start("mad-web", ["--listen", "0", "--api-url", "", "--root", consoleBuild]);
    proxy = await start("mad-proxy", ["--listen", "0", "--upstream", api.url, "--web", web.url]);
    agents = new Agents(proxy.url);
    const tagged = (id, ...tags) => agents.say(id, sample(id, { info: { tags } }));
    tagged("calm-1", "env:prod", "role:web");
    tagged("calm-2", "env:prod", "role:db");
    tagged("calm-3", "env:test", "role:db");
    agents.say("old-1", { id: "old-1", health: { storage: 12, network: 3 } });
    browser = await launchBrowser();
  });

  after(async () => {
    agents?.stop();
    await browser?.close();
    await stopAll();
  });

  it("has dashes for what a host of the original does not tell", () =>
    open("/", async (page) => {
      await until("its values", async () => (await shows(page, "old-1")).storage === "12");
      const { network, cpu, mem, load, up } = await readRow(page, "old-1");
      assert.equal(network, "3");
      assert.deepEqual([cpu, mem, load, up], ["–", "–", "–", "–"]);
    }));

  it("finds by words, tags, patterns, comparisons and their opposites", () =>
    open("/", async (page) => {
      await shows(page, "calm-1");
      for (const [asked, ...found] of [
        ["calm", "calm-1", "calm-2", "calm-3"],
        ["env:prod -role:db", "calm-1"],
        ["role:d* mem>20", "calm-2", "calm-3"],
        ["storage<20", "old-1"],
        ["-calm", "old-1"],
      ]) {
        await page.fill("#search", asked);
        await listed(page, ...found);
        assert.equal(new URL(page.url()).searchParams.get("q"), asked);
      }
    }));

  it("counts each state, shows the worst in title and icon, and filters by a counter", () =>
    open("/", async (page) => {
      await shows(page, "calm-1");
      const icon = () => page.getAttribute("link[rel=icon]", "href");
      const before = { icon: await icon(), title: await page.title() };
      agents.say("hot-1", sample("hot-1", { health: hot }));
      agents.say("hot-1", sample("hot-1", { health: { ...hot, storage: 99 } }));
      const full = [{ m: "/", fs: "ext4", size: 1e11, avail: 1e9, pct: 99, ipct: 3, ro: false }];
      agents.say("hot-1", sample("hot-1", { health: { storage: 99, disk: full } }));
      await until("the title to warn", async () => /[1-9] crit/.test(await page.title()), {
        seconds: 60,
      });
      assert.notEqual(await icon(), before.icon);
      assert.notEqual(await page.title(), before.title);
      assert.equal(await page.textContent(".counter[data-state=crit] .value"), "1");
      await page.click(".counter[data-state=crit]");
      await listed(page, "hot-1");
      assert.equal((await readRow(page, "hot-1")).rowState, "crit");
      await page.click(".counter[data-state=all]");
      await shows(page, "calm-1");
    }));

  it("groups by tag with counts and the worst state, and folds a group", () =>
    open("/?group=tag:env", async (page) => {
      const groups = () => page.$$eval(".row.group", (all) => all.map((one) => one.textContent));
      await until("the groups", async () => (await groups()).length >= 3);
      const prod = page.locator(".row.group", { hasText: "prod" });
      assert.match(await prod.textContent(), /2/);
      const others = page.locator(".row.group", { hasText: /crit/ });
      await until("the group of the hot host to say so", async () => (await others.count()) > 0);
      await shows(page, "calm-1");
      await prod.locator("button, [role=button], [aria-expanded]").first().click();
      await until("the group to be folded", async () => !(await ids(page)).includes("calm-1"));
      assert.ok((await ids(page)).includes("calm-3"));
    }));

  it("opens commands and hosts by name", () =>
    open("/", async (page) => {
      await shows(page, "calm-2");
      await page.keyboard.press("Control+k");
      await page.waitForSelector(".palette input");
      await page.keyboard.type("calm-2");
      await page.waitForSelector(".palette-entry[aria-selected=true]:has-text('calm-2')");
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/host\/calm-2$/);
      await page.keyboard.press("Control+k");
      await page.keyboard.type("tiles");
      await page.keyboard.press("Enter");
      await page.waitForURL(/view=tiles/);
    }));

  it("explains keys and search at ?", () =>
    open("/", async (page) => {
      await page.keyboard.press("?");
      await page.waitForSelector(".help kbd");
      assert.match(await page.textContent(".help"), /cpu>80/);
      await page.keyboard.press("Escape");
      await until("help to close", async () => (await page.$(".help")) === null);
    }));

  it("says changes of state aloud, and never values", () =>
    open("/", async (page) => {
      await shows(page, "calm-3");
      const said = () => page.textContent("[role=status][aria-live=polite]");
      await pause(2500);
      assert.doesNotMatch(await said(), /\d+ ?%/);
      agents.silence("calm-3");
      const aloud = await until(
        "the silence to be said",
        async () => /calm-3/.test(await said()) && (await said()),
        { seconds: 15 },
      );
      assert.match(aloud, /stale/);
      assert.equal((await readRow(page, "calm-3")).rowState, "stale");
    }));

  it("shows what a host calls itself harmlessly", () =>
    open("/", async (page, watch) => {
      const info = { host: reversed, tags: [`note:${markup}`] };
      agents.say(long, sample(long));
      agents.say(markup, sample(markup, { info }));
      await shows(page, markup);
      const body = await page.textContent(".body");
      assert.ok(body.includes("abc\\u{202e}cba"), "the mark that turns text is spelt out");
      assert.ok(!body.includes("\u202e"));
      assert.ok(!body.includes(long), "long text is cut");
      assert.equal(await page.locator(".body img").count(), 0);
      await page.locator(".body .host", { hasText: markup }).click();
      await page.waitForSelector(".host-page h2, .host-page h1");
      assert.equal(await page.locator(".host-page img").count(), 0);
      assert.deepEqual(watch.faults, []);
    }));

  it("has processors, mounts, interfaces, states and the record of a host", () =>
    open("/host/calm-1", async (page) => {
      await page.waitForSelector(".host-page .cores li");
      assert.equal(await page.locator(".host-page .cores li").count(), 4);
      const told = await page.textContent(".host-page");
      for (const word of ["/srv", "xfs", "read-only", "eth0", "env:prod", "Debian"]) {
        assert.ok(told.toLowerCase().includes(word.toLowerCase()), `${word} is shown`);
      }
      for (const window of ["15m", "6h"]) {
        const button = page.locator(".windows button", { hasText: new RegExp(window[0]) }).first();
        await button.click();
      }
      assert.equal(await page.locator(".windows button[aria-pressed=true]").count(), 1);
      assert.equal(await page.locator(".host-page .log").count(), 1);
      assert.match(await page.textContent(".host-page .copy, .host-page header"), /copy/i);
    }));

  it("has one crosshair for all charts of a host", () =>
    open("/host/calm-1", async (page) => {
      await page.waitForSelector(".host-page .chart canvas");
      const drawn = page.locator(".host-page .chart .u-over");
      const first = await drawn.first().boundingBox();
      await page.mouse.move(first.x + first.width * 0.5, first.y + first.height * 0.5);
      const places = () =>
        page.$$eval(".host-page .chart .u-cursor-x", (all) =>
          all.map((one) => one.getAttribute("class").includes("u-off") || one.style.transform),
        );
      await until("a line in each chart", async () => {
        const all = await places();
        return all.length === 6 && all.every((place) => /translate/.test(place));
      });
    }));

  it("follows the system's theme and asks for less motion where that is wished", () =>
    open(
      "/",
      async (page) => {
        const colour = () => page.evaluate(() => getComputedStyle(document.body).color);
        const dark = await colour();
        await page.emulateMedia({ colorScheme: "light" });
        assert.notEqual(await colour(), dark);
        const moving = await page.evaluate(
          () =>
            document
              .getAnimations()
              .filter(({ effect }) => effect.getComputedTiming().duration > 50).length,
        );
        assert.equal(moving, 0);
      },
      { colorScheme: "dark", reducedMotion: "reduce" },
    ));

  it("writes bytes by the wish of the reader and numbers by the locale", () =>
    open("/host/calm-1", async (page) => {
      await page.waitForSelector(".host-page .panel");
      const told = () => page.textContent(".host-page");
      assert.match(await told(), /GiB/);
      await page.keyboard.press("Escape");
      await page.click(".menu-button");
      await page.selectOption(".menu .choice:has-text('Bytes') select", "decimal");
      await page.goto(`${proxy.url}/host/calm-1`);
      await until("decimal units", async () => /\d GB|\d TB/.test(await told()));
    }));

  it("asks for little while hidden, and is up to date as soon as it is seen", () =>
    open("/", async (page) => {
      await shows(page, "calm-1");
      await setHidden(page, true);
      await pause(1500);
      const now = { pct: 61, user: 61, sys: 0, iowait: 0, steal: 0, cores: [61, 61, 61, 61] };
      agents.say("calm-1", sample("calm-1", { health: { cpu: now } }));
      await setHidden(page, false);
      await until("the newest value", async () => (await readRow(page, "calm-1"))?.cpu.includes("61"));
    }));

  it("dims and says how old its data is when the node dies, and goes on when it is back", () =>
    open("/", async (page, watch) => {
      await shows(page, "calm-1");
      watch.outage = true;
      await api.stop("SIGKILL");
      await until("the page to be dim", async () => {
        return (await page.getAttribute(".page", "data-cut-off")) === "true";
      });
      await until("the data's age", async () => /data \d+/.test(await page.textContent(".banner")));
      assert.ok(await readRow(page, "calm-1"), "the rows stay");
      assert.match(await page.title(), /reconnecting/i);
      api = await startNode();
      await until("the page to be live", async () => (await phase(page)) === "live", {
        seconds: 40,
      });
      await until("the row to be ok", async () => {
        return (await readRow(page, "calm-1"))?.rowState === "ok";
      });
      assert.equal(await page.getAttribute(".page", "data-cut-off"), "false");
    }));

  it("lets itself be put into pages of named origins only", async () => {
    const other = await start("mad-web", [
      ...["--listen", "0", "--api-url", "", "--root", consoleBuild],
      ...["--frame-ancestor", "https://wall.example"],
    ]);
    const policy = async ({ url }) => (await fetch(url)).headers.get("content-security-policy");
    assert.match(await policy(web), /frame-ancestors 'none'/);
    assert.match(await policy(other), /frame-ancestors https:\/\/wall\.example/);
    await other.stop();
  });

  it("kept to its policy all the time", () => {
    assert.deepEqual(faults, []);
  });
});
