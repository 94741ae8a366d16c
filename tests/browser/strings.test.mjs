// What an agent says is data: whatever stands in it, it is shown as text, in its own place, and
// nothing else on the page notices.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Agents, sample } from "./lib/agents.mjs";
import { launchBrowser, openConsole, phase, readRow } from "./lib/page.mjs";
import {
  consoleBuild,
  findBrowser,
  freePort,
  missing,
  start,
  stopAll,
} from "./lib/programs.mjs";
import { until } from "./lib/until.mjs";

const clients = fileURLToPath(
  new URL("../conformance/node_modules/socket.io-client", import.meta.url),
);

function whyNot() {
  if (findBrowser() === undefined) return "no Chromium on this machine";
  return existsSync(clients)
    ? false
    : "the clients of the conformance tests are not installed";
}

const strings = {
  script: "<script>window.ran=1</script>",
  image: "<img src=x onerror='window.ran=1'>",
  svg: "<svg/onload=window.ran=1>",
  frame: "<iframe srcdoc='<script>parent.ran=1</script>'></iframe>",
  style: "</style><style>*{display:none}</style>",
  closing: "</td></tr></table></div></main></body></html>",
  attribute: `" onmouseover="window.ran=1" autofocus onfocus="window.ran=1" x="`,
  single: "' onclick='window.ran=1' '",
  link: "javascript:window.ran=1//",
  data: "data:text/html,<script>window.ran=1</script>",
  entity: "&lt;b&gt;&#x3c;script&#62;",
  template: "{{constructor.constructor('window.ran=1')()}}${window.ran=1}`",
  prototype: "__proto__",
  builder: "constructor",
  bidi: "abc\u202Etxt.exe\u202C\u2066isolate\u2069\u200F\u061C",
  unended: "\u202E\u202D\u2067\u2068never ended",
  invisible: "a\u200B\u200C\u200D\u2060\uFEFF\u00ADb",
  marks: `z${"\u0300\u0489\u20DD".repeat(200)}`,
  escapes: "\u001B[2J\u001B]0;title\u0007\u009B31m",
  controls: "a\u0001\u0008\u000B\u000C\u001F\u007F\u0085b",
  breaks: "a\r\nb\u2028c\u2029d\te",
  lone: "\uD800half\uDC00",
  wide: "\uFDFD".repeat(300),
  emoji: "👩‍👩‍👧‍👦".repeat(100),
  long: "W".repeat(10_000),
  words: "word ".repeat(2_000),
  format: "%s%n%x%p",
  path: "../../../../etc/passwd\u0000",
  query: "?a=b&c=d#e",
};

/** A host that says `text` wherever an agent may say a string; a record has 16 KB at most. */
function saying(id, text) {
  const short = text.slice(0, 200);
  // One that is too long or has controls is refused with its record: that is another test's.
  const tag = text.replace(/[\p{Cc}\p{Cs}]/gu, "").slice(0, 16);
  return sample(id, {
    info: {
      ...{
        host: text,
        os: short,
        kernel: short,
        arch: short,
        region: short,
        virt: short,
      },
      tags: [tag, `role:${tag}`],
    },
    health: {
      disk: [
        {
          m: `/${short}`,
          fs: short,
          size: 1e11,
          avail: 6e10,
          pct: 40,
          ipct: 3,
          ro: false,
        },
      ],
      net: { rx: 1, tx: 2, err: 0, drop: 0, ifs: [{ n: short, rx: 1, tx: 2 }] },
      temps: [{ n: short, c: 40 }],
      sensors: [{ name: short, label: short, value: 40 }],
      [short]: short,
    },
  });
}

/** Where everything of the frame of the page stands. */
const frame = (page) =>
  page.evaluate(() =>
    [".banner", "header", "[role=grid] [role=columnheader]"].map((one) => {
      const found = document.querySelector(one)?.getBoundingClientRect();
      return found && [found.x, found.y, found.height].map(Math.round);
    }),
  );

/** What reaches out of the page to the right, when that makes it wider than the window. */
const sideways = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    return [...document.querySelectorAll("#app *")]
      .filter((one) => one.closest(".scroll") === null)
      .filter(
        (one) =>
          one.getBoundingClientRect().left + one.scrollWidth > clientWidth + 1,
      )
      .map((one) => `${one.tagName}.${one.className}`);
  });

/** Rows of the table that are higher than another, or reach out of it. */
const unruly = (page) =>
  page.evaluate(() => {
    const rows = [...document.querySelectorAll(".body [role=row]")];
    const high = Math.min(
      ...rows.map((row) => row.getBoundingClientRect().height),
    );
    return rows
      .filter((row) => row.getBoundingClientRect().height > high + 1)
      .map((row) => row.textContent.slice(0, 60));
  });

/** Characters that turn, hide or control text and are on the page as they are. */
const raw = (page) =>
  page.evaluate(() => {
    const found = document.body.innerText.match(
      /[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F-\u009F\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu,
    );
    return [...new Set(found ?? [])].map((one) =>
      one.codePointAt(0).toString(16),
    );
  });

describe(
  "what agents say is shown and does nothing",
  { skip: whyNot(), timeout: 240_000 },
  () => {
    let proxy;
    let agents;
    let browser;

    /** Runs with a page at `path`; nothing may have run or been refused there meanwhile. */
    const open = async (path, use) => {
      const { page, watch } = await openConsole(
        browser,
        `${proxy.url}${path}`,
        {
          viewport: { width: 1440, height: 900 },
        },
      );
      const dialogs = [];
      page.on("dialog", (dialog) => {
        dialogs.push(dialog.message());
        dialog.dismiss();
      });
      try {
        await until(
          "the page to be live",
          async () => (await phase(page)) === "live",
        );
        await use(page);
        assert.equal(
          await page.evaluate(() => window.ran),
          undefined,
          "something ran",
        );
        assert.deepEqual(dialogs, []);
        assert.deepEqual(watch.faults, []);
        assert.equal(
          await page
            .locator("#app script, #app iframe, #app object, #app embed")
            .count(),
          0,
        );
        assert.equal(await page.evaluate(() => ({}).polluted), undefined);
      } finally {
        await page.context().close();
      }
    };

    before(async () => {
      const lacking = missing();
      assert.equal(lacking, undefined, lacking);
      const port = await freePort();
      const flags = [
        "--listen",
        `127.0.0.1:${port}`,
        "--max-rate-per-address",
        "0",
      ];
      const api = await start("mad-api", flags);
      const web = await start("mad-web", [
        "--listen",
        "0",
        "--api-url",
        "",
        "--root",
        consoleBuild,
      ]);
      proxy = await start("mad-proxy", [
        "--listen",
        "0",
        "--upstream",
        api.url,
        "--web",
        web.url,
      ]);
      agents = new Agents(proxy.url);
      agents.say("calm-1", sample("calm-1"));
      for (const [name, text] of Object.entries(strings)) {
        agents.say(`says-${name}`, saying(`says-${name}`, text));
      }
      browser = await launchBrowser();
    });

    after(async () => {
      agents?.stop();
      await browser?.close();
      await stopAll();
    });

    it("in the table, where each row stays as high as the others", () =>
      open("/", async (page) => {
        await until("the calm host", () => readRow(page, "calm-1"));
        await until(
          "all that speak",
          async () => (await page.locator(".body .host").count()) > 25,
        );
        assert.deepEqual(await unruly(page), []);
        assert.deepEqual(await raw(page), []);
        assert.deepEqual(await sideways(page), []);
        assert.ok(
          (await page.locator(".body .host").count()) > 25,
          "none was hidden by a style",
        );
        if (process.env.MAD_TEST_PICTURES)
          await page.screenshot({
            path: `${process.env.MAD_TEST_PICTURES}/strings-table.png`,
          });
      }));

    it("in the tiles", () =>
      open("/?view=tiles", async (page) => {
        assert.deepEqual(await raw(page), []);
        assert.deepEqual(await sideways(page), []);
      }));

    it("in a search, which finds by what was said", () =>
      open("/", async (page) => {
        await until(
          "all that speak",
          async () => (await page.locator(".body .host").count()) > 25,
        );
        for (const text of [
          strings.script,
          strings.attribute,
          strings.prototype,
          strings.format,
        ]) {
          await page.fill("#search", text);
          await until(
            "an answer",
            async () => (await page.inputValue("#search")) === text,
          );
        }
        await page.fill("#search", "says-script");
        await until("the one that is meant", async () => {
          const found = await page.$$eval(
            ".body [role=row] .host",
            (all) => all.length,
          );
          return found === 1;
        });
      }));

    for (const [name] of Object.entries(strings)) {
      it(`on the page of the host that says ${name}`, () =>
        open(`/host/says-${name}`, async (page) => {
          await page.waitForSelector(".host-page .cores li");
          assert.deepEqual(await raw(page), []);
          assert.deepEqual(await sideways(page), []);
          assert.equal(
            await page
              .locator(".host-page [onclick], .host-page [onload]")
              .count(),
            0,
          );
          const links = await page.$$eval(".host-page a", (all) =>
            all.map((one) => one.protocol),
          );
          assert.ok(
            links.every((one) => one === "http:" || one === "blob:"),
            `${links}`,
          );
          if (process.env.MAD_TEST_PICTURES)
            await page.screenshot({
              path: `${process.env.MAD_TEST_PICTURES}/strings-${name}.png`,
            });
        }));
    }

    it("while the frame of the page stands where it stood", () =>
      open("/?q=calm-1", async (page) => {
        await until("the calm host", () => readRow(page, "calm-1"));
        const calm = await frame(page);
        await page.fill("#search", "");
        await until(
          "all that speak",
          async () => (await page.locator(".body .host").count()) > 25,
        );
        assert.deepEqual(await frame(page), calm);
      }));
  },
);
