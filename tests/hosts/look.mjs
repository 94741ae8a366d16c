// Opens the console as a person does, signs in, and waits for hosts:
// `node look.mjs URL TOKEN PICTURE ID...`. The last line of stdout is JSON.

import { setTimeout as sleep } from "node:timers/promises";
import { launchBrowser, openConsole, readRow } from "../browser/lib/page.mjs";

const [url, token, picture, ...ids] = process.argv.slice(2);
const refused = [];
const browser = await launchBrowser();
try {
  const { page, watch } = await openConsole(browser, url);
  page.on("response", (answer) => {
    if (answer.status() >= 400) refused.push(`${answer.status()} ${answer.request().method()} ${answer.url()}`);
  });
  if (token !== "") {
    await page.waitForSelector("form.sign-in", { timeout: 30_000 });
    await page.fill("form.sign-in input[type=password]", token);
    await page.click("form.sign-in button[type=submit]");
  }
  const rows = {};
  const end = Date.now() + 60_000;
  while (Object.keys(rows).length < ids.length && Date.now() < end) {
    for (const id of ids) {
      const row = await readRow(page, id);
      if (row !== undefined) rows[id] = row;
    }
    await sleep(200);
  }
  await page.screenshot({ path: picture });
  // Without TLS a browser says that it heeds no opener policy; who has not signed in yet gets a 401.
  const known = /Cross-Origin-Opener-Policy header has been ignored|status of 401/;
  const faults = watch.faults.filter((text) => !known.test(text));
  console.log(JSON.stringify({ rows, faults, refused, origins: [...watch.origins] }));
} finally {
  await browser.close();
}
