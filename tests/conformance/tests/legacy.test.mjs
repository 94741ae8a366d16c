// The original's agent and console, as legacy/ has them, against mad-api.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Cable } from "../lib/cable.mjs";
import { isReference } from "../lib/launch.mjs";
import { Agent, Console, serveApi, transports } from "../lib/legacy.mjs";
import { until } from "../lib/wait.mjs";

const PAGE = "http://console.example:8081";

/** What a row gets: a mad-api of its own, old programs to start, all ended with the row. */
class Stage {
  #ended = [];

  constructor(wire) {
    this.wire = wire;
  }

  async open() {
    this.api = await serveApi(["--cors-origin", PAGE]);
    this.url = this.api.url;
    return this;
  }

  #keep(program) {
    this.#ended.push(() => program.program.child.kill("SIGKILL"));
    return program;
  }

  agent(id = "web-1") {
    return this.#keep(new Agent(this.url, id, transports[this.wire]));
  }

  /** A console that has had its list, or sees these clients. */
  async console(...ids) {
    const page = this.#keep(new Console(this.url, transports[this.wire], PAGE));
    if (ids.length) await page.shows(...ids);
    else await page.event("load_clients");
    return page;
  }

  /** Programs started from now on go through a cable that can be cut. */
  async cable() {
    const cable = await Cable.to(this.api);
    this.#ended.push(() => cable.close());
    this.url = cable.url;
    return cable;
  }

  async restart() {
    await this.api.stop();
    this.api = await serveApi(["--cors-origin", PAGE], this.api.port);
  }

  async close() {
    for (const end of this.#ended) end();
    await this.api?.stop();
  }
}

const rows = {
  "a console sees an agent come": async (stage) => {
    const page = await stage.console();
    stage.agent();
    const { table } = await page.event("web_client_update", "web-1");
    assert.deepEqual(table.map(({ id }) => id), ["web-1"]);
    assert.match(table[0].socketID, /^[\w-]{20}$/);
  },

  "a console that comes later gets the list": async (stage) => {
    const first = await stage.console();
    for (const id of ["web-1", "web-2", "web-3"]) stage.agent(id);
    await first.shows("web-1", "web-2", "web-3");
    const page = await stage.console();
    assert.deepEqual(page.said.find(({ event }) => event === "load_clients").table.length, 3);
  },

  "every sample arrives, in order, its values unchanged": async (stage) => {
    const page = await stage.console();
    const agent = stage.agent();
    const got = [];
    while (got.length < 10) got.push((await page.event("web_client_update", "web-1")).payload);
    await until(() => agent.said.length >= 10, "what the agent says that it sent");
    const sent = agent.said.slice(0, 10);
    assert.deepEqual(got.map(({ id, health }) => ({ id, health })), sent);
    assert.equal(new Set(got.map(({ socketID }) => socketID)).size, 1);
  },

  "an agent says goodbye": async (stage) => {
    const page = await stage.console();
    const agent = stage.agent();
    await page.shows("web-1");
    await agent.end();
    assert.deepEqual((await page.event("web_client_disconnect", "web-1")).table, []);
  },

  "an agent dies": async (stage) => {
    const page = await stage.console();
    const agent = stage.agent();
    stage.agent("web-2");
    await page.shows("web-1", "web-2");
    await agent.end("SIGKILL");
    const { table } = await page.event("web_client_disconnect", "web-1");
    assert.deepEqual(table.map(({ id }) => id), ["web-2"]);
  },

  "two consoles see the same": async (stage) => {
    const pages = [await stage.console(), await stage.console()];
    const agents = [stage.agent("web-1"), stage.agent("web-2")];
    for (const page of pages) await page.shows("web-1", "web-2");
    await agents[0].end();
    for (const page of pages) await page.shows("web-2");
    await pages[0].end();
    await pages[1].event("web_client_update", "web-2");
  },

  "an agent comes back under its id": async (stage) => {
    const page = await stage.console();
    for (let i = 0; i < 3; i++) {
      const agent = stage.agent();
      await page.shows("web-1");
      await agent.end(i % 2 ? "SIGTERM" : "SIGKILL");
      await page.shows();
    }
  },

  "an id that moves to another connection is one client": async (stage) => {
    const page = await stage.console();
    const first = stage.agent();
    const { payload } = await page.event("web_client_update", "web-1");
    stage.agent();
    const moved = await page.next(
      ({ event, payload: { socketID } }) =>
        event === "web_client_update" && socketID !== payload.socketID,
      "update by the other connection",
    );
    assert.equal(moved.table.length, 1);
    await first.end("SIGKILL");
    for (let i = 0; i < 5; i++) {
      assert.equal((await page.event("web_client_update", "web-1")).table.length, 1);
    }
  },

  "the node is started anew": async (stage) => {
    const page = await stage.console();
    stage.agent();
    await page.shows("web-1");
    await stage.restart();
    await page.event("disconnect");
    await page.event("connect");
    await page.event("web_client_update", "web-1");
    const { table } = await page.event("load_clients");
    assert.equal(table.length, 1);
    assert.equal((await page.event("web_client_update", "web-1")).table.length, 1);
    await stage.console("web-1");
  },

  "a console that comes back is told what it missed": async (stage) => {
    const agent = stage.agent();
    const witness = await stage.console("web-1");
    const cable = await stage.cable();
    const page = await stage.console("web-1");
    cable.plug(false);
    await page.event("disconnect");
    await agent.end();
    await witness.event("web_client_disconnect", "web-1");
    cable.plug(true);
    const { table } = await page.event("load_clients");
    assert.deepEqual(table, []);
  },

  "an agent's network fails": async (stage) => {
    const page = await stage.console();
    const cable = await stage.cable();
    stage.agent();
    await page.shows("web-1");
    cable.plug(false);
    assert.deepEqual((await page.event("web_client_disconnect", "web-1")).table, []);
    cable.plug(true);
    await page.shows("web-1");
    await page.event("web_client_update", "web-1");
  },

  "a console's network fails": async (stage) => {
    stage.agent();
    const cable = await stage.cable();
    const page = await stage.console("web-1");
    cable.plug(false);
    await page.event("disconnect");
    cable.plug(true);
    await page.event("connect");
    for (let i = 0; i < 5; i++) {
      assert.equal((await page.event("web_client_update", "web-1")).table.length, 1);
    }
  },
};

describe("pages of the original in browsers", () => {
  test("their origin is let in, with credentials, and no other", async (t) => {
    if (isReference()) return t.skip("the reference implementation has no mad-api");
    const api = await serveApi(["--cors-origin", PAGE]);
    try {
      const ask = (origin) =>
        fetch(`${api.url}/socket.io/?EIO=3&transport=polling`, { headers: { Origin: origin } });
      const [own, other] = [await ask(PAGE), await ask("http://elsewhere.example")];
      assert.equal(own.status, 200);
      assert.equal(own.headers.get("access-control-allow-origin"), PAGE);
      assert.equal(own.headers.get("access-control-allow-credentials"), "true");
      assert.equal(other.status, 403);
      assert.equal(other.headers.get("access-control-allow-origin"), null);
    } finally {
      await api.stop();
    }
  });
});

for (const wire of Object.keys(transports)) {
  const skip = isReference() && "the reference implementation has no mad-api";
  const title = `agents and consoles of the original: ${wire}`;
  describe(title, { concurrency: 4 }, () => {
    for (const [name, run] of Object.entries(rows)) {
      test(name, { skip }, async () => {
        const stage = new Stage(wire);
        try {
          await run(await stage.open());
        } finally {
          await stage.close();
        }
      });
    }
  });
}
