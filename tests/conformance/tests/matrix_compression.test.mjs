// The client matrix against a server that compresses, and what only such a server does.

import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBytes } from "node:crypto";
import WebSocket from "ws";
import { isReference } from "../lib/launch.mjs";
import { request, target } from "../lib/http.mjs";
import { plainBody } from "../lib/inflate.mjs";
import { matrix } from "../lib/matrix.mjs";
import { withServer } from "../lib/suite.mjs";
import { within } from "../lib/wait.mjs";

const flags = ["--compression", "on"];
const reference = isReference();

for (const name of ["socket.io-client 4", "socket.io-client 2.3"]) {
  matrix(name, { more: flags, threads: [1] });
}

/** [what the client wants, whether the server can give it]. */
const wishes = [
  [{}, true],
  [{ serverNoContextTakeover: true }, true],
  [{ clientNoContextTakeover: true }, true],
  [{ serverNoContextTakeover: true, clientNoContextTakeover: true }, true],
  [{ serverMaxWindowBits: 9 }, true],
  [{ serverMaxWindowBits: 15, clientMaxWindowBits: 10 }, true],
  [{ clientMaxWindowBits: 9, threshold: 0 }, true],
  [{ threshold: 0, concurrencyLimit: 2 }, true],
  [{ serverMaxWindowBits: 8 }, reference],
];

withServer("ws with permessage-deflate", { flags }, (server) => {
  async function open(perMessageDeflate) {
    const where = target("/engine.io/", "websocket", {});
    const socket = new WebSocket(`ws://${server.host}:${server.port}${where}`, {
      perMessageDeflate,
    });
    const waiting = [];
    const arrived = [];
    socket.on("message", (data, binary) => {
      const message = binary ? data : data.toString();
      const next = waiting.shift();
      if (next) next(message);
      else arrived.push(message);
    });
    socket.next = () =>
      arrived.length
        ? Promise.resolve(arrived.shift())
        : within(new Promise((resolve) => waiting.push(resolve)), "message");
    await within(new Promise((done, fail) => socket.once("open", done).once("error", fail)), "101");
    await socket.next(); // the open packet
    return socket;
  }

  for (const [wish, met] of wishes) {
    test(`every length comes back: ${JSON.stringify(wish)}`, async () => {
      const socket = await open(wish);
      assert.equal(socket.extensions.includes("permessage-deflate"), met);
      for (const size of [0, 1, 1022, 1023, 1024, 5000, 70_000, 300_000]) {
        const text = `4${"some words, ".repeat(size / 12 + 1).slice(0, size)}`;
        const bytes = randomBytes(size);
        socket.send(text);
        socket.send(bytes);
        socket.send(text, { compress: false });
        assert.equal(await socket.next(), text);
        assert.deepEqual(await socket.next(), bytes);
        assert.equal(await socket.next(), text);
      }
      socket.terminate();
    });
  }

  test("fragments of a compressed message", async () => {
    const socket = await open({ threshold: 0 });
    socket.send("4one, ", { fin: false });
    socket.send("two, ", { fin: false });
    socket.ping();
    socket.send("three", { fin: true });
    assert.equal(await socket.next(), "4one, two, three");
    socket.terminate();
  });

  test("a message over the limit when it is inflated ends with 1009", async () => {
    const socket = await open({ threshold: 0 });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    socket.send(Buffer.alloc(50_000_000));
    assert.equal(await within(closed, "close"), 1009);
  });

  for (const [accepted, coding] of [
    ["gzip, deflate", "gzip"],
    ["deflate", "deflate"],
    ["gzip;q=0.2, deflate;q=0.9", "deflate"],
    ["br", undefined],
    ["gzip;q=0", undefined],
  ]) {
    test(`a polling answer for Accept-Encoding: ${accepted}`, async () => {
      const open = await request(server, target("/engine.io/", "polling", {}));
      const { sid } = JSON.parse(open.text.slice(1));
      const where = target("/engine.io/", "polling", { sid });
      const text = `4${"x".repeat(3000)}`;
      await request(server, where, { method: "POST", body: text });
      const answer = await request(server, where, { headers: { "Accept-Encoding": accepted } });
      assert.equal(answer.headers["content-encoding"], coding);
      assert.equal(plainBody(answer.body, coding).toString(), text);
      await request(server, where, { method: "POST", body: "1" });
    });
  }
});
