// node bench/console.mjs URL SECONDS [PATH...]: what the console costs a browser: one JSON line for
// each path. Needs the packages of tests/browser and a Chromium.

import { findBrowser } from "../tests/browser/lib/programs.mjs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../tests/browser/package.json", import.meta.url));
const { chromium } = require("playwright-core");

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--enable-precise-memory-info",
  "--js-flags=--expose-gc",
];

const [url, seconds, ...paths] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: findBrowser(), args: flags });

/** Intervals between frames while the table is scrolled by a row and a half each frame, ms. */
const scroll = (page, forMs) =>
  page.evaluate(
    (limit) =>
      new Promise((done) => {
        const frames = [];
        let last = performance.now();
        const end = last + limit;
        const step = (now) => {
          frames.push(now - last);
          last = now;
          window.scrollBy(0, 50);
          if (now < end) requestAnimationFrame(step);
          else done(frames.slice(1));
        };
        requestAnimationFrame(step);
      }),
    forMs,
  );

for (const path of paths) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable");
  const metrics = async () => {
    const { metrics: all } = await devtools.send("Performance.getMetrics");
    return Object.fromEntries(all.map(({ name, value }) => [name, value]));
  };
  const shown = path.includes("tiles") ? ".tiles-map canvas" : ".body [role=row]";
  await page.goto(`${url}${path}`, { waitUntil: "commit" });
  await page.waitForSelector(shown, { timeout: 30_000 });
  const firstRowsMs = await page.evaluate(() => performance.now());
  await page.waitForSelector(".banner[data-phase=live]", { timeout: 30_000 });
  const liveMs = await page.evaluate(() => performance.now());
  await page.waitForTimeout(5000);
  const before = await metrics();
  await page.waitForTimeout(1000 * Number(seconds));
  const after = await metrics();
  const share = (name) => (after[name] - before[name]) / (after.Timestamp - before.Timestamp);
  await page.evaluate(() => window.gc?.());
  const heapMb = (await metrics()).JSHeapUsedSize / 1e6;
  const frames = path.includes("tiles") ? [] : await scroll(page, 3000);
  const late = frames.filter((ms) => ms > 25).length;
  const counts = await page.$$eval(".counter .value", (all) => all.map((one) => one.textContent));
  console.log(
    JSON.stringify({
      path,
      firstRowsMs,
      liveMs,
      mainThread: share("TaskDuration"),
      script: share("ScriptDuration"),
      heapMb,
      frames: frames.length,
      late,
      hosts: counts[0],
    }),
  );
  await context.close();
}
await browser.close();
