// What a checker of accessibility says of the console's views in both themes, over the real programs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { launchBrowser, openConsole, phase } from "./lib/page.mjs";
import { consoleBuild, findBrowser, missing, start, stopAll } from "./lib/programs.mjs";
import { until } from "./lib/until.mjs";

const noBrowser = findBrowser() === undefined ? "no Chromium on this machine" : false;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

describe("the console, checked for accessibility", { skip: noBrowser, timeout: 90_000 }, () => {
  let proxy;
  let browser;

  before(async () => {
    const lacking = missing();
    assert.equal(lacking, undefined, lacking);
    const api = await start("mad-api", ["--listen", "0"]);
    const web = await start("mad-web", ["--listen", "0", "--api-url", "", "--root", consoleBuild]);
    proxy = await start("mad-proxy", ["--listen", "0", "--upstream", api.url, "--web", web.url]);
    await start("mad-synthetic", ["--api", proxy.url, "--agents", "20"]);
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  for (const colorScheme of ["light", "dark"]) {
    for (const [name, path, ready] of [
      ["the table", "/", ".body [role=row]"],
      ["the tiles", "/?view=tiles", ".tiles-map"],
      ["a host", "/host/synthetic-00003", ".host-page .chart"],
      ["the rules", "/rules", ".rules-page table, main table"],
    ]) {
      it(`finds no fault with ${name}, ${colorScheme}`, { timeout: 30_000 }, async () => {
        const { page, watch } = await openConsole(browser, proxy.url, { colorScheme });
        try {
          await page.addInitScript({ content: axe });
          await page.goto(`${proxy.url}${path}`);
          await until("the page to be live", async () => (await phase(page)) === "live");
          await page.waitForSelector(ready, { timeout: 10_000 });
          const found = await page.evaluate(async () => {
            const { violations } = await window.axe.run(document);
            return violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 150)}`);
          });
          assert.deepEqual(found, []);
          assert.deepEqual(watch.faults, []);
        } finally {
          await page.context().close();
        }
      });
    }
  }
});
