// Places of the console beyond the table, over the real programs: the page of a host, the rules,
// and how people come in where tokens are asked for.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { launchBrowser, openConsole, phase, readRow } from "./lib/page.mjs";
import { consoleBuild, findBrowser, missing, start, stopAll } from "./lib/programs.mjs";
import { until } from "./lib/until.mjs";

const noBrowser = findBrowser() === undefined ? "no Chromium on this machine" : false;
const host = "synthetic-00003";
const admin = "admin-token-0123456789abcdef";
const agents = "agent-token-0123456789abcdef";

/** A node with its page behind a proxy, and ten hosts that do not exist. */
async function fleet(apiArguments = [], agentArguments = []) {
  const api = await start("mad-api", ["--listen", "127.0.0.1:0", ...apiArguments]);
  const web = await start("mad-web", ["--listen", "0", "--api-url", "", "--root", consoleBuild]);
  const proxy = await start("mad-proxy", [
    ...["--listen", "0", "--upstream", api.url, "--web", web.url],
  ]);
  await start("mad-synthetic", [
    ...["--api", proxy.url, "--agents", "10", "--interval", "1s", ...agentArguments],
  ]);
  return proxy;
}

const live = (page) => until("the page to be live", async () => (await phase(page)) === "live");
const text = (page, selector) => page.locator(selector).first().textContent();

describe("the page of a host, and the rules", { skip: noBrowser, timeout: 90_000 }, () => {
  let proxy;
  let browser;
  let page;
  let watch;

  before(async () => {
    const lacking = missing();
    assert.equal(lacking, undefined, lacking);
    proxy = await fleet();
    browser = await launchBrowser();
    ({ page, watch } = await openConsole(browser, `${proxy.url}/?sort=id&q=synthetic`));
    await live(page);
    await until("the row", () => readRow(page, host));
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  it("opens a host by its row, and Esc leads back to the same table", async () => {
    await page.locator(".body [role=rowheader] .host", { hasText: host }).click();
    await page.waitForSelector(".host-page");
    assert.equal(new URL(page.url()).pathname, `/host/${host}`);
    await page.keyboard.press("Escape");
    await page.waitForSelector(".body [role=row]");
    assert.equal(new URL(page.url()).searchParams.get("q"), "synthetic");
  });

  it("has an address of its own, with charts that have words and data", async () => {
    await page.goto(`${proxy.url}/host/${host}`);
    await page.waitForSelector(".host-page .chart canvas");
    assert.equal(await page.locator(".host-page .chart").count(), 6);
    await until("a summary of the processor", async () =>
      /lowest .* mean .* highest/.test(await text(page, ".host-page .chart .summary")),
    );
    await page.locator(".host-page .chart details.data summary").first().click();
    await page.waitForSelector(".host-page .chart details.data td");
  });

  it("shows the record as it came, as text", async () => {
    await page.locator(".host-page details.raw summary").click();
    const raw = await until("the record", () => text(page, ".host-page details.raw pre"));
    const record = JSON.parse(raw);
    assert.equal(record.id, host);
    assert.equal(record.info.tags[0], "synthetic");
  });

  it("says so when there is no such host", async () => {
    const other = await openConsole(browser, `${proxy.url}/host/nobody`);
    other.watch.outage = true; // the browser tells of the 404 itself
    await until("a word about it", async () =>
      /nobody/.test(await text(other.page, ".host-page, .empty")),
    );
    await other.page.context().close();
  });

  it("lists the rules in force, each with a way to change it", async () => {
    await page.goto(`${proxy.url}/rules`);
    await page.waitForSelector("main table");
    await page.getByRole("button", { name: "Edit the rule cpu" }).click();
    await page.waitForSelector("[aria-label='Edit the rule cpu'] input");
    const answer = await fetch(`${proxy.url}/api/v1/rules`);
    const { rules } = await answer.json();
    const shown = await page.locator("main table tbody tr").count();
    assert.ok(shown >= rules.length, `${shown} of ${rules.length} rules`);
    assert.ok(rules.some(({ name, source }) => name === "cpu" && source === "preset"));
  });

  it("kept to its policy all the time", () => {
    assert.deepEqual(watch.faults, []);
  });
});

describe("signing in", { skip: noBrowser, timeout: 90_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), "mad-signin-"));
  let proxy;
  let browser;

  before(async () => {
    const lacking = missing();
    assert.equal(lacking, undefined, lacking);
    const file = (name, lines) => {
      writeFileSync(join(folder, name), lines.join("\n"), { mode: 0o600 });
      return join(folder, name);
    };
    const entry = (role, token) => ["[[token]]", `name = "${role}"`, `role = "${role}"`, token];
    const tokens = file("tokens.toml", [
      ...entry("admin", `token = "${admin}"`),
      ...entry("agent", `token = "${agents}"`),
    ]);
    const shown = file("agent-token", [agents]);
    proxy = await fleet(["--tokens", tokens], ["--token-file", shown]);
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    await stopAll();
    rmSync(folder, { recursive: true });
  });

  it("asks for a token, refuses a wrong one, and keeps a good one out of the address", async () => {
    const { page, watch } = await openConsole(browser, proxy.url);
    watch.outage = true; // the browser tells of each 401 itself
    await page.waitForSelector("form.sign-in");
    const asked = await page.evaluate(() => performance.getEntriesByType("resource").map((one) => one.name));
    assert.ok(asked.some((url) => url.endsWith("/api/v1/session")));
    assert.deepEqual(asked.filter((url) => url.includes("/socket.io/")), [], "it does not connect before it may");
    await page.fill("form.sign-in input[type=password]", "wrong-token-0123456789abcdef");
    await page.click("form.sign-in button[type=submit]");
    await until("the refusal", async () => (await text(page, "#sign-in-said")) !== "");
    await page.fill("form.sign-in input[type=password]", admin);
    await page.click("form.sign-in button[type=submit]");
    await until("a row", () => readRow(page, host));
    assert.ok(!page.url().includes(admin));
    assert.equal(await page.locator("form.sign-in").count(), 0);
    assert.deepEqual(watch.faults, []);
    await page.reload();
    await until("a row after loading again", () => readRow(page, host));
    await page.context().close();
  });

  it("takes a link that only shows, and takes it out of the address", async () => {
    const made = await fetch(`${proxy.url}/api/v1/links`, {
      method: "POST",
      headers: { Authorization: `Bearer ${admin}`, "Content-Type": "application/json" },
      body: JSON.stringify({ expires_in: 3600, filter: `id:${host}` }),
    });
    const { token } = await made.json();
    assert.ok(token, `status ${made.status}`);
    const { page, watch } = await openConsole(browser, `${proxy.url}/#view=${token}`);
    await until("its one row", () => readRow(page, host));
    assert.equal(new URL(page.url()).hash, "");
    assert.equal(await page.locator(".body [role=row]").count(), 1);
    assert.deepEqual(watch.faults, []);
    await page.context().close();
  });
});
