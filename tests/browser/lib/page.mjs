// The page as a person sees it, and everything it does that it should not.

import { chromium } from "playwright-core";
import { findBrowser } from "./programs.mjs";

const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export function launchBrowser() {
  return chromium.launch({ executablePath: findBrowser(), args: flags });
}

/** Opens the console and keeps an eye on it: `faults` gathers errors, `hosts` whom it spoke to. */
export async function openConsole(browser, url, options = {}) {
  const context = await browser.newContext({ locale: "en-US", ...options });
  const page = await context.newPage();
  const watch = { faults: [], origins: new Set(), webSockets: [], outage: false };

  page.on("pageerror", (error) => watch.faults.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() !== "error") return;
    // The browser itself reports each request that found no server: expected while there is none.
    const text = message.text();
    const networkFault = /^Failed to load resource|^WebSocket connection to/.test(text);
    if (!(watch.outage && networkFault)) watch.faults.push(`console: ${text}`);
  });
  page.on("request", (request) => watch.origins.add(new URL(request.url()).origin));
  page.on("websocket", (socket) => {
    watch.origins.add(new URL(socket.url()).origin.replace(/^ws/, "http"));
    watch.webSockets.push(socket.url());
  });
  await page.exposeFunction("madViolation", (text) => watch.faults.push(`policy: ${text}`));
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      window.madViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
    });
  });

  const response = await page.goto(url);
  return { page, watch, response };
}

/** The cells of a host's row by column, or `undefined` when there is no such row. */
export function readRow(page, id) {
  return page.evaluate((wanted) => {
    for (const row of document.querySelectorAll(".body [role=row]")) {
      if (row.querySelector("[role=rowheader] .host")?.textContent !== wanted) continue;
      const cells = { id: wanted, rowState: row.dataset.state };
      for (const cell of row.children) {
        const visible = cell.cloneNode(true);
        for (const unseen of visible.querySelectorAll(".unseen")) unseen.remove();
        cells[cell.classList[1]] = visible.textContent.trim();
      }
      return cells;
    }
    return undefined;
  }, id);
}

/** The first number in a cell. */
export function firstNumber(text) {
  const found = /-?[\d,]*\.?\d+/.exec(text ?? "");
  return found === null ? Number.NaN : Number(found[0].replaceAll(",", ""));
}

/** What the banner says: live, reconnecting, … */
export function phase(page) {
  return page.getAttribute(".banner", "data-phase");
}
