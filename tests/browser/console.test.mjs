// This machine's row on a real page: mad-api, mad-agent and mad-web, seen by a browser at the one
// address of mad-proxy, as `mad up` has it.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { keepProcessorBusy } from "./lib/busy.mjs";
import {
  cpuTicks,
  loadAverages,
  memoryPercent,
  storagePercent,
} from "./lib/machine.mjs";
import { firstNumber, launchBrowser, openConsole, phase, readRow } from "./lib/page.mjs";
import { consoleBuild, findBrowser, freePort, missing, start, stopAll } from "./lib/programs.mjs";
import { until } from "./lib/until.mjs";

const id = "browser-test";
const noBrowser = findBrowser() === undefined ? "no Chromium on this machine" : false;

/** True when two numbers differ by at most `tolerance`; the difference is a failure's text. */
function near(what, shown, real, tolerance) {
  const difference = Math.abs(shown - real);
  if (!(difference <= tolerance)) {
    throw new Error(`${what}: the page shows ${shown}, the machine has ${real}`);
  }
  return true;
}

describe("the console", { skip: noBrowser }, () => {
  let api;
  let web;
  let proxy;
  let otherWeb;
  let agent;
  let browser;
  let page;
  let watch;
  let response;
  let apiArguments;

  const startAgent = () =>
    start("mad-agent", ["--api", proxy.url, "--id", id, "--interval", "1000ms"]);
  const row = () => readRow(page, id);
  /** All of the row that moves with a sample, as one text. */
  const values = async () => {
    const { cpu, mem, network, load } = await row();
    return [cpu, mem, network, load].join(" | ");
  };
  const rowShown = () => until("the row of this machine", row);

  before(async () => {
    const lacking = missing();
    assert.equal(lacking, undefined, lacking);
    // The API comes back at the same port later. A page of `otherWeb` talks to it without a proxy.
    const [apiPort, otherPort] = [await freePort(), await freePort()];
    const otherUrl = `http://127.0.0.1:${otherPort}`;
    apiArguments = ["--listen", `127.0.0.1:${apiPort}`, "--cors-origin", otherUrl];
    api = await start("mad-api", apiArguments);
    web = await start("mad-web", ["--listen", "0", "--api-url", "", "--root", consoleBuild]);
    otherWeb = await start("mad-web", [
      ...["--listen", `127.0.0.1:${otherPort}`, "--api-url", api.url, "--root", consoleBuild],
    ]);
    proxy = await start("mad-proxy", [
      ...["--listen", "0", "--upstream", api.url, "--web", web.url],
    ]);
    browser = await launchBrowser();
    ({ page, watch, response } = await openConsole(browser, proxy.url));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  it("is served under its content policy", () => {
    const policy = response.headers()["content-security-policy"] ?? "";
    assert.match(policy, /default-src 'self'/);
    assert.match(policy, /require-trusted-types-for 'script'/);
    assert.match(policy, /connect-src 'self'(;|$)/);
  });

  it("is live, and says what to do, while no host has reported", async () => {
    await until("the banner to say live", async () => (await phase(page)) === "live");
    assert.match(await page.textContent("main"), /mad-agent --api/);
    assert.equal(await page.title(), "0 hosts · mad");
  });

  it("shows this machine's row when its agent starts", async () => {
    agent = await startAgent();
    const cells = await rowShown();
    assert.equal(cells.state, "ok");
    assert.equal(await page.title(), "1 host · mad");
  });

  it("shows memory as /proc/meminfo has it", async () => {
    await until("memory to agree", async () =>
      near("memory", firstNumber((await row()).mem), memoryPercent(), 4),
    );
  });

  it("shows load as /proc/loadavg has it", async () => {
    await until("load to agree", async () => {
      const [real] = loadAverages();
      return near("load", firstNumber((await row()).load), real, 0.2 + real * 0.1);
    });
  });

  it("shows storage as statvfs has it", async () => {
    await until("storage to agree", async () =>
      near("storage", firstNumber((await row()).storage), storagePercent(), 0.5),
    );
  });

  it("shows cpu as /proc/stat has it", async () => {
    const stop = keepProcessorBusy(); // also on an idle machine the number means something
    const newSample = async () => {
      const last = await values();
      const other = async () => (await values()) !== last;
      await until("a new sample", other, { seconds: 5, everyMs: 20 });
      return firstNumber((await row()).cpu);
    };
    const agree = async () => {
      await newSample();
      const first = cpuTicks();
      const shown = await newSample();
      const last = cpuTicks();
      const real = (100 * (last.busy - first.busy)) / (last.total - first.total);
      return near("cpu", shown, real, 15);
    };
    try {
      await until("cpu to agree over the same second", agree, { seconds: 40 });
    } finally {
      await stop();
    }
  });

  it("shows network in Mbit/s", async () => {
    const { network } = await row();
    assert.match(network, /^[\d,]+\.\d\d Mbit\/s$/);
  });

  it("shows values that change", async () => {
    const seen = new Set();
    await until("three different sets of values", async () => {
      seen.add(await values());
      return seen.size >= 3;
    });
  });

  it("moves on from polling to a websocket", async () => {
    await until("a websocket through the proxy", () =>
      watch.webSockets.some((url) => url.startsWith(proxy.url.replace("http", "ws"))),
    );
  });

  for (const signal of ["SIGTERM", "SIGKILL"]) {
    // Nodes that keep hosts that went show them as offline; others drop the row.
    it(`says so when the agent gets ${signal}, and has the row back when it returns`, async () => {
      const end = await agent.stop(signal);
      if (signal === "SIGTERM") assert.equal(end, 0);
      await until("the row to go or to be offline", async () => {
        const cells = await row();
        return cells === undefined || cells.state === "offline";
      });
      assert.match(await page.title(), /^(0 hosts|1 offline of 1 host) · mad$/);
      agent = await startAgent();
      await until("the row to be ok", async () => (await row())?.state === "ok");
    });
  }

  it("dims when mad-api stops, and recovers by itself when it is back", async () => {
    watch.outage = true;
    assert.equal(await api.stop(), 0);
    await until(
      "the banner to say reconnecting",
      async () => (await phase(page)) === "reconnecting",
    );
    assert.equal(await page.getAttribute(".page", "data-cut-off"), "true");
    assert.equal((await row()).id, id, "the last known row stays on the page");
    assert.match(await page.title(), /^Reconnecting/);

    api = await start("mad-api", apiArguments);
    await until("the banner to say live", async () => (await phase(page)) === "live", {
      seconds: 30,
    });
    await until(
      "the row to be back and fresh",
      async () => {
        const cells = await row();
        return cells?.rowState === "ok" && cells.seen === "now";
      },
      { seconds: 60 },
    );
    assert.equal(await page.getAttribute(".page", "data-cut-off"), "false");
    watch.outage = false;

    const last = await values();
    await until("values to change again", async () => (await values()) !== last);
  });

  it("fits a screen of 320 pixels", async () => {
    const narrow = await openConsole(browser, proxy.url, { viewport: { width: 320, height: 568 } });
    await until("the row", () => readRow(narrow.page, id));
    const wide = await narrow.page.evaluate(
      () => document.documentElement.scrollWidth > document.documentElement.clientWidth,
    );
    assert.equal(wide, false, "the page scrolls sideways");
    await narrow.page.context().close();
    assert.deepEqual(narrow.watch.faults, []);
  });

  it("would be stopped by its policy if it wrote markup", async () => {
    const other = await openConsole(browser, proxy.url);
    const refused = await other.page.evaluate(() => {
      try {
        document.body.innerHTML = "<b>markup</b>";
        return false;
      } catch {
        return true;
      }
    });
    assert.equal(refused, true);
    await until("the violation to be reported", () => other.watch.faults.length > 0);
    await other.page.context().close();
  });

  it("spoke to its one address only, and nothing went wrong", () => {
    assert.deepEqual([...watch.origins], [proxy.url]);
    assert.deepEqual(watch.faults, []);
  });

  it("also works without a proxy, where the page is told another address", async () => {
    const other = await openConsole(browser, otherWeb.url);
    const policy = other.response.headers()["content-security-policy"];
    assert.ok(policy.includes(`connect-src 'self' ${api.url}`), policy);
    await until("the row", () => readRow(other.page, id));
    assert.deepEqual([...other.watch.origins].sort(), [api.url, otherWeb.url].sort());
    assert.deepEqual(other.watch.faults, []);
    await other.page.context().close();
  });
});
