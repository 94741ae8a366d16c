// node picture.mjs URL FILE.png [light|dark] [WIDTHxHEIGHT]: a picture of a running console.

import { launchBrowser, openConsole } from "./lib/page.mjs";

const [url, file, colorScheme = "light", size = "1280x640"] = process.argv.slice(2);
if (file === undefined) {
  console.error("usage: node picture.mjs URL FILE.png [light|dark] [WIDTHxHEIGHT]");
  process.exit(2);
}
const [width, height] = size.split("x").map(Number);
const browser = await launchBrowser();
try {
  const { page } = await openConsole(browser, url, {
    viewport: { width, height },
    deviceScaleFactor: 2,
    colorScheme,
    reducedMotion: "reduce",
  });
  await page.waitForSelector(".banner[data-phase=live]");
  await page.waitForSelector(".body [role=row]", { timeout: 10_000 });
  await page.screenshot({ path: file });
} finally {
  await browser.close();
}
