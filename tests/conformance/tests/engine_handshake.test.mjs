// Engine.IO: how a session begins, and every way in which it does not.

import assert from "node:assert/strict";
import { test } from "node:test";
import { behaviour } from "../deliberate.mjs";
import { compose, request, target, upgradeHeaders } from "../lib/http.mjs";
import { isReference } from "../lib/launch.mjs";
import { WebSocketLink } from "../lib/links.mjs";
import { Raw } from "../lib/raw.mjs";
import { withServer } from "../lib/suite.mjs";

const messages = [
  "Transport unknown",
  "Session ID unknown",
  "Bad handshake method",
  "Bad request",
  "Forbidden",
  "Unsupported protocol version",
];

const unknownSid = "zzzzzzzzzzzzzzzzzzzz";

/** [query, code, method] of refused polling handshakes. */
const refused = [
  ["", 0],
  ["EIO=4", 0],
  ["EIO=4&transport=", 0],
  ["EIO=4&transport=abc", 0],
  ["EIO=4&transport=Polling", 0],
  ["EIO=4&transport=__proto__", 0],
  ["EIO=4&transport=constructor", 0],
  ["EIO=4&transport=webtransport", 0],
  ["transport=polling", 5],
  ["EIO=&transport=polling", 5],
  ["EIO=abc&transport=polling", 5],
  ["EIO=5&transport=polling", 5],
  ["EIO=2&transport=polling", 5],
  ["EIO=44&transport=polling", 5],
  ["EIO=3&transport=polling", 5],
  ["EIO=4&transport=polling", 2, "POST"],
  ["EIO=4&transport=polling", 2, "PUT"],
  ["EIO=4&transport=polling", 2, "DELETE"],
  ["EIO=4&transport=polling", 2, "PATCH"],
  ["EIO=4&transport=websocket", 3],
  [`EIO=4&transport=polling&sid=${unknownSid}`, 1],
  [`EIO=4&transport=polling&sid=${unknownSid}`, 1, "POST"],
  ["EIO=4&transport=polling&sid=__proto__", 1],
  ["EIO=4&transport=polling&sid=constructor", 1],
  ["EIO=4&transport=polling&sid=%00", 1],
  [`EIO=4&transport=websocket&sid=${unknownSid}`, 1],
  [`EIO=4&transport=polling&sid=${"x".repeat(2000)}`, 1],
];

const openPacket = new RegExp(
  '^0\\{"sid":"[\\w-]{20}","upgrades":\\["websocket"\\],' +
    '"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\\}$',
);

/** Targets that are as good as the plain one. */
const accepted = [
  "EIO=4&transport=polling",
  "transport=polling&EIO=4",
  "EIO=4&transport=polling&sid=",
  "EIO=4&transport=polling&t=abc123",
  "EIO=4&transport=polling&b64=1",
  "EIO=4&transport=%70olling",
  "EIO=4&transport=polling&unknown=%E2%82%AC&empty&=&&x=1&x=2",
];

/** [query, message] of refused websocket upgrades: plain text, always 400, never 101. */
const refusedUpgrades = [
  ["EIO=4", messages[0]],
  ["EIO=4&transport=abc", messages[0]],
  ["EIO=4&transport=__proto__", messages[0]],
  [`EIO=4&transport=websocket&sid=${unknownSid}`, messages[1]],
];

const refusedRevisions = ["", "EIO=abc&", "EIO=5&"].map((eio) => `${eio}transport=websocket`);

for (const path of ["/engine.io/", "/socket.io/"]) {
  withServer(`handshake at ${path}`, {}, (server) => {
    for (const query of accepted) {
      test(`GET ?${query} opens a session`, async () => {
        const answer = await request(server, `${path}?${query}`);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["content-type"].toLowerCase(), "text/plain; charset=utf-8");
        assert.equal(answer.headers["cache-control"], "no-store");
        assert.match(answer.text, openPacket);
      });
    }

    for (const [query, code, method = "GET"] of refused) {
      test(`${method} ?${query.slice(0, 60)} gets code ${code}`, async () => {
        const body = method === "GET" ? undefined : "";
        const answer = await request(server, `${path}?${query}`, { method, body });
        assert.equal(answer.status, 400);
        assert.equal(answer.headers["content-type"], "application/json");
        assert.equal(answer.text, JSON.stringify({ code, message: messages[code] }));
      });
    }

    test("HEAD gets the head of code 2 and no body", async () => {
      const raw = await Raw.open(server);
      raw.write(compose(server, target(path, "polling"), { method: "HEAD" }));
      assert.equal((await raw.response("HEAD")).status, 400);
      await raw.end();
      assert.equal(raw.unread.length, 0);
      raw.destroy();
    });

    test("a websocket gets its open packet without upgrades", async () => {
      const link = await WebSocketLink.open(server, path);
      assert.match(link.handshake.sid, /^[\w-]{20}$/);
      assert.deepEqual(Object.keys(link.handshake), [
        "sid",
        "upgrades",
        "pingInterval",
        "pingTimeout",
        "maxPayload",
      ]);
      assert.deepEqual(link.handshake.upgrades, []);
      link.leave();
    });

    for (const [query, message] of refusedUpgrades) {
      test(`a websocket with ?${query} is refused with "${message}"`, async () => {
        await refusedBefore101(server, `${path}?${query}`, message);
      });
    }

    for (const query of refusedRevisions) {
      const skip = isReference() && behaviour.refusedBefore101;
      test(`a websocket with ?${query} is refused before the 101`, { skip }, async () => {
        await refusedBefore101(server, `${path}?${query}`, messages[5]);
      });
    }

    test("a path below the engine's is the engine's", async () => {
      const answer = await request(server, `${path}abc?EIO=4&transport=polling`);
      assert.equal(answer.status, 200);
    });

    test("the path without its slash is not", async () => {
      const answer = await request(server, `${path.slice(0, -1)}?EIO=4&transport=polling`);
      assert.equal(answer.status, 404);
    });

    test("a thousand sids are all different", async () => {
      const sids = new Set();
      for (let i = 0; i < 20; i++) {
        const batch = Array.from({ length: 50 }, () => request(server, target(path, "polling")));
        for (const { text } of await Promise.all(batch)) sids.add(JSON.parse(text.slice(1)).sid);
      }
      assert.equal(sids.size, 1000);
    });
  });
}

async function refusedBefore101(server, where, message) {
  const answer = await request(server, where, { headers: upgradeHeaders });
  assert.equal(answer.status, 400);
  assert.equal(answer.headers["content-type"], "text/html");
  assert.equal(answer.headers.connection, "close");
  assert.equal(answer.text, message);
}
