// HTTP on the engine path: connections that stay, requests that follow each other, CORS.

import assert from "node:assert/strict";
import { test } from "node:test";
import { compose, request, target, upgradeHeaders } from "../lib/http.mjs";
import { PollingLink } from "../lib/links.mjs";
import { Raw } from "../lib/raw.mjs";
import { withServer } from "../lib/suite.mjs";

const where = target("/engine.io/", "polling");
const stay = { Connection: "keep-alive" };

withServer("HTTP", { concurrency: true }, (server) => {
  const byHand = () => PollingLink.open(server, "/engine.io/", { byHand: true });

  test("one connection carries a whole session", async () => {
    const raw = await Raw.open(server);
    raw.write(compose(server, where, { headers: stay }));
    const { sid } = JSON.parse((await raw.response()).body.toString().slice(1));
    for (let i = 0; i < 20; i++) {
      const mine = `${where}&sid=${sid}`;
      raw.write(compose(server, mine, { method: "POST", headers: stay, body: `4${i}` }));
      assert.equal((await raw.response()).body.toString(), "ok");
      raw.write(compose(server, mine, { headers: stay }));
      assert.equal((await raw.response()).body.toString(), `4${i}`);
    }
    raw.destroy();
  });

  test("POST and GET in one segment are answered in order", async () => {
    const { target: mine } = await byHand();
    const raw = await Raw.open(server);
    const post = compose(server, mine, { method: "POST", headers: stay, body: "4piped" });
    raw.write(Buffer.concat([post, compose(server, mine, { headers: stay })]));
    assert.equal((await raw.response()).body.toString(), "ok");
    assert.equal((await raw.response()).body.toString(), "4piped");
    raw.destroy();
  });

  test("a waiting poll does not keep POSTs of other connections waiting", async () => {
    const link = await byHand();
    const poll = await Raw.open(server);
    poll.write(compose(server, link.target, { headers: stay }));
    assert.equal((await link.post("4go")).text, "ok");
    assert.equal((await poll.response()).body.toString(), "4go");
    poll.destroy();
  });

  test("an error answer does not end a connection that may stay", async () => {
    const raw = await Raw.open(server);
    raw.write(compose(server, "/engine.io/?EIO=4&transport=abc", { headers: stay }));
    assert.equal((await raw.response()).status, 400);
    raw.write(compose(server, where, { headers: stay }));
    assert.equal((await raw.response()).status, 200);
    raw.destroy();
  });

  test("`Connection: close` ends the connection after the answer", async () => {
    const raw = await Raw.open(server);
    raw.write(compose(server, where));
    const answer = await raw.response();
    assert.equal(answer.headers.connection, "close");
    await raw.end();
    raw.destroy();
  });

  test("other paths are none of the engine's", async () => {
    for (const path of ["/", "/other", "/engine.iox/"]) {
      assert.equal((await request(server, `${path}?EIO=4&transport=polling`)).status, 404);
    }
  });

  const origin = { Origin: "http://elsewhere.example" };

  /** [what, request, status] that carry the CORS header. */
  const shared = [
    ["a handshake", [where, { headers: origin }], 200],
    ["a handshake without origin", [where, {}], 200],
    ["code 0", ["/engine.io/?EIO=4", { headers: origin }], 400],
    ["code 1", [`${where}&sid=zzzzzzzzzzzzzzzzzzzz`, { headers: origin }], 400],
    ["code 5", ["/engine.io/?transport=polling", { headers: origin }], 400],
  ];
  for (const [what, [to, options], status] of shared) {
    test(`${what} may be read by every origin`, async () => {
      const answer = await request(server, to, options);
      assert.equal(answer.status, status);
      assert.equal(answer.headers["access-control-allow-origin"], "*");
      assert.ok(!("access-control-allow-credentials" in answer.headers));
    });
  }

  for (const sid of ["", "&sid=zzzzzzzzzzzzzzzzzzzz"]) {
    test(`a preflight ${sid && "with a sid "}gets 204`, async () => {
      const headers = {
        ...origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-custom",
      };
      const answer = await request(server, `${where}${sid}`, { method: "OPTIONS", headers });
      assert.equal(answer.status, 204);
      assert.equal(answer.headers["access-control-allow-origin"], "*");
      assert.match(answer.headers["access-control-allow-methods"], /\bPOST\b/);
      assert.match(answer.headers["access-control-allow-headers"], /x-custom/i);
    });
  }

  test("a websocket of another origin is served, its 101 carries the CORS header", async () => {
    const raw = await Raw.open(server);
    const to = target("/engine.io/", "websocket");
    raw.write(compose(server, to, { headers: { ...upgradeHeaders, ...origin } }));
    const answer = await raw.response();
    assert.equal(answer.status, 101);
    assert.equal(answer.headers["access-control-allow-origin"], "*");
    raw.destroy();
  });
});
