// `mad up --nodes 3` as a person has it: one address, three nodes behind it, and one of them killed.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { request } from "node:http";
import { after, before, describe, it } from "node:test";
import { launchBrowser, openConsole, phase, readRow } from "./lib/page.mjs";
import { findBrowser, missing, stopAll, up } from "./lib/programs.mjs";
import { until } from "./lib/until.mjs";

const has = (program) => spawnSync(program, ["--version"]).status === 0;
const noRedis = "no redis-server: apt-get install redis-server";
const reason =
  (findBrowser() === undefined && "no Chromium on this machine") ||
  (!["redis-server", "valkey-server"].some(has) && noRedis);

/** What the proxy says of its upstreams. */
function upstreams(admin) {
  const socketPath = admin.replace(/^unix:/, "");
  return new Promise((done, fail) => {
    const asked = request({ socketPath, path: "/upstreams", timeout: 5000 }, (answer) => {
      let body = "";
      answer.setEncoding("utf8");
      answer.on("data", (piece) => (body += piece));
      answer.on("end", () => done(JSON.parse(body).upstreams));
    });
    asked.once("error", fail);
    asked.end();
  });
}

describe("mad up with three nodes", { skip: reason || false }, () => {
  let mad;
  let browser;
  let page;
  let watch;
  let id;

  const row = () => readRow(page, id);
  const sessions = async () => (await upstreams(mad.said.admin)).map((one) => one.sessions);
  const values = async () => {
    const { cpu, mem, network, load } = await row();
    return [cpu, mem, network, load].join(" | ");
  };
  const changes = async () => {
    const last = await values();
    await until("values to change", async () => (await values()) !== last);
  };

  before(async () => {
    const lacking = missing();
    assert.equal(lacking, undefined, lacking);
    mad = await up(["--nodes", "3"]);
    browser = await launchBrowser();
  });

  after(async () => {
    await browser?.close();
    await stopAll();
  });

  it("has one address for page and sockets, and three nodes behind it", async () => {
    const { console: address, proxy, nodes } = mad.said;
    assert.equal(address, proxy);
    assert.equal(new Set(nodes).size, 3);
    await until("all to be up", async () =>
      (await upstreams(mad.said.admin)).every(({ state }) => state === "up"),
    );
    assert.deepEqual(
      (await upstreams(mad.said.admin)).map(({ name, url }) => [name, url]),
      nodes.map((url, i) => [`node-${i + 1}`, url]),
    );
  });

  it("shows this machine, live", async () => {
    await until("the agent's session", async () => (await sessions()).some((n) => n > 0));
    ({ page, watch } = await openConsole(browser, mad.url));
    await until("the banner to say live", async () => (await phase(page)) === "live");
    id = await until("a row", () =>
      page.evaluate(() => document.querySelector(".body [role=rowheader] .host")?.textContent),
    );
    await changes();
    await until("a websocket at that address", () =>
      watch.webSockets.some((url) => url.startsWith(mad.url.replace("http", "ws"))),
    );
  });

  it("goes on when the node of its page is killed", async () => {
    // A second page tells the nodes apart: who has one session more is where it went.
    const before = await sessions();
    const other = await openConsole(browser, mad.url);
    await until("that page to be live", async () => (await phase(other.page)) === "live");
    const after = await until("its session", async () => {
      const now = await sessions();
      return now.some((count, i) => count > before[i]) && now;
    });
    const place = after.findIndex((count, i) => count > before[i]);
    const url = mad.said.nodes[place];
    const { pid } = mad.said.programs.find((program) => program.url === url);
    watch.outage = other.watch.outage = true;
    process.kill(pid, "SIGKILL");

    await until("mad up to tell it", () => mad.more.length > 0);
    const { event, name, nodes_left, pid: told } = mad.more[0];
    assert.deepEqual([event, name, nodes_left, told], ["lost", "mad-api", 2, pid]);
    await until("the proxy to know it", async () => {
      const all = await upstreams(mad.said.admin);
      return all[place].state === "down" && all[place].sessions === 0;
    });
    for (const one of [page, other.page]) {
      await until("the page to be live", async () => (await phase(one)) === "live");
      await until("the row to be fresh", async () => {
        const cells = await readRow(one, id);
        return cells?.rowState === "ok" && cells.seen === "now";
      });
    }
    await changes();
    await other.page.context().close();
  });

  it("kept to its address, and nothing went wrong", () => {
    assert.deepEqual([...watch.origins], [mad.url]);
    assert.deepEqual(watch.faults, []);
  });

  it("stops everything on Ctrl-C", async () => {
    assert.equal(await mad.stop("SIGINT", 25), 0);
  });
});
