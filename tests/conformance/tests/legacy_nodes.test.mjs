// A mixed fleet: two nodes of ours and one of the original (legacy/node.mjs) on one Redis, agents and
// consoles of both kinds on each of them.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { io } from "socket.io-client";
import { isReference, lineOf, start } from "../lib/launch.mjs";
import { Agent, Console, serveApi } from "../lib/legacy.mjs";
import { noRedis, startRedis } from "../lib/redis_server.mjs";
import { until } from "../lib/wait.mjs";

const skip = isReference() ? "the reference implementation has no mad-api" : noRedis;

/** An agent of today, in this process. */
class NewAgent {
  #timer;
  #seq = 0;
  #run = String(Math.random());

  constructor(url, id) {
    this.id = id;
    this.heard = [];
    this.socket = io(url, { transports: ["websocket"], reconnectionDelay: 50 });
    this.socket.onAny((event) => this.heard.push(event));
    const tell = (event) => {
      const health = { storage: 50, network: 1 };
      this.socket.emit(event, { id, v: 2, run: this.#run, seq: ++this.#seq, health });
    };
    this.socket.on("connect", () => tell("client_connected"));
    this.#timer = setInterval(() => this.socket.connected && tell("client_healthcheck"), 50);
  }

  end() {
    clearInterval(this.#timer);
    this.socket.disconnect();
  }
}

/** A console of today that keeps the same table as the old one does. */
class NewConsole {
  table = new Map();
  gone = [];

  constructor(url) {
    this.socket = io(url, { transports: ["websocket"], reconnectionDelay: 50 });
    this.socket.on("connect", () => this.socket.emit("web_connected"));
    this.socket.on("load_clients", (all) => {
      this.table = new Map(all.map((client) => [client.id, client]));
    });
    this.socket.on("web_client_update", (client) => this.table.set(client.id, client));
    this.socket.on("web_client_disconnect", (id) => {
      this.table.delete(id);
      this.gone.push(id);
    });
  }

  shows(...ids) {
    const wanted = ids.toSorted().join();
    return until(() => [...this.table.keys()].toSorted().join() === wanted, `table with ${wanted}`);
  }

  end() {
    this.socket.disconnect();
  }
}

describe("nodes of the original and of ours on one Redis", { skip }, () => {
  let redis, ours, theirs, urls;
  let ends = [];

  before(async () => {
    redis = await startRedis();
    const share = ["--redis", redis.url, "--legacy-keys"];
    ours = [await serveApi(share), await serveApi(share)];
    theirs = start("legacy-node", [], { REDIS_PORT: String(redis.port) });
    const ready = (line) => /^ready \S+ (http:\S+)$/.exec(line);
    const [, url] = await lineOf(theirs, ready, "ready line");
    urls = [...ours.map((api) => api.url), url];
    for (const api of ours) {
      await until(async () => (await fetch(`${api.url}/ready`)).ok, "a node that is ready");
    }
  });

  after(async () => {
    theirs?.child.kill("SIGKILL");
    for (const api of ours ?? []) await api.stop();
    await redis?.stop();
  });

  /** Something that ends with the row. */
  function keep(thing) {
    ends.push(thing.program ? () => thing.program.child.kill("SIGKILL") : () => thing.end());
    return thing;
  }

  function row(name, run) {
    test(name, async () => {
      try {
        await run();
      } finally {
        for (const end of ends) end();
        ends = [];
        // The next row begins with nobody.
        const page = new NewConsole(urls[0]);
        const old = new Console(urls[2]);
        try {
          await page.shows();
          await old.shows();
        } finally {
          page.end();
          old.program.child.kill("SIGKILL");
        }
      }
    });
  }

  row("every console shows every agent, wherever both are", async () => {
    // One of ours takes both kinds; the original's takes its own (its release speaks to no other).
    const places = [
      ["old-at-ours-1", () => new Agent(urls[0], "old-at-ours-1")],
      ["old-at-ours-2", () => new Agent(urls[1], "old-at-ours-2")],
      ["old-at-theirs", () => new Agent(urls[2], "old-at-theirs")],
      ["new-at-ours-1", () => new NewAgent(urls[0], "new-at-ours-1")],
      ["new-at-ours-2", () => new NewAgent(urls[1], "new-at-ours-2")],
    ];
    const ids = places.map(([id]) => id);
    const early = urls.map((url) => keep(new Console(url)));
    const pages = urls.slice(0, 2).map((url) => keep(new NewConsole(url)));
    for (const page of early) await page.event("load_clients");
    const agents = places.map(([, make]) => keep(make()));
    for (const page of early) await page.shows(...ids);
    for (const page of pages) await page.shows(...ids);
    // Before its first sample nobody knows that it is an agent.
    for (const agent of agents) if (agent.heard) agent.heard.length = 0;
    // And who comes later, from the list.
    for (const url of urls) {
      const page = keep(new Console(url));
      const { table } = await page.event("load_clients");
      assert.deepEqual(table.map(({ id }) => id).toSorted(), ids.toSorted(), url);
    }
    // Samples go on to arrive everywhere, and agents hear nothing of it all.
    for (const id of ids) for (const page of early) await page.event("web_client_update", id);
    for (const agent of agents) if (agent.heard) assert.deepEqual(agent.heard, []);
    // Each leaves once.
    agents[2].program.child.kill("SIGTERM");
    agents[3].end();
    const left = ids.filter((id) => id !== "old-at-theirs" && id !== "new-at-ours-1");
    for (const page of early) await page.shows(...left);
    for (const page of pages) {
      await page.shows(...left);
      assert.deepEqual(page.gone.toSorted(), ["new-at-ours-1", "old-at-theirs"]);
    }
  });

  row("an agent moves from the original's node to ours", async () => {
    const pages = urls.map((url) => keep(new Console(url)));
    const first = keep(new Agent(urls[2], "web-1"));
    for (const page of pages) await page.shows("web-1");
    await first.end("SIGKILL");
    keep(new Agent(urls[0], "web-1"));
    for (const page of pages) {
      for (let i = 0; i < 5; i++) await page.event("web_client_update", "web-1");
      await page.shows("web-1");
    }
  });

  row("an agent moves from our node to the original's", async () => {
    const pages = urls.map((url) => keep(new Console(url)));
    const first = keep(new Agent(urls[1], "web-1"));
    for (const page of pages) await page.shows("web-1");
    const second = keep(new Agent(urls[2], "web-1"));
    await until(() => second.said.length > 2, "samples of the second");
    await first.end("SIGKILL");
    for (const page of pages) {
      for (let i = 0; i < 5; i++) await page.event("web_client_update", "web-1");
      await page.shows("web-1");
    }
  });

  row("what our nodes keep for the original goes away by itself", async () => {
    const { createClient } = await import("redis");
    const db = await createClient({ url: redis.url }).connect();
    try {
      // What the original's node has of the rows before has no end, and goes a moment later.
      await until(async () => (await db.keys("client_*")).length === 0, "no key of before");
      const agent = keep(new NewAgent(urls[0], "web-1"));
      const [key] = await until(async () => {
        const keys = await db.keys("client_*");
        return keys.length && keys;
      }, "a key");
      assert.match(key, /^client_[\w-]{20}$/);
      const life = await db.pTTL(key);
      assert.ok(life > 50_000 && life <= 60_000, `${life}`);
      assert.equal(JSON.parse(await db.get(key)).id, "web-1");
      agent.end();
      await until(async () => (await db.keys("client_*")).length === 0, "no key");
    } finally {
      await db.quit();
    }
  });
});
