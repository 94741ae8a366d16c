// Engine.IO: packets there and back over both wires, and how a session ends.

import assert from "node:assert/strict";
import { test } from "node:test";
import { behaviour } from "../deliberate.mjs";
import { SEPARATOR, compose, request } from "../lib/http.mjs";
import { isReference } from "../lib/launch.mjs";
import { PollingLink, WebSocketLink, links } from "../lib/links.mjs";
import { Raw } from "../lib/raw.mjs";
import { withServer } from "../lib/suite.mjs";

const bytes = Buffer.from([1, 2, 3, 4, 0, 255]);

/** Packets that come back as they are. */
const echoed = [
  ["a text", ["4hello"]],
  ["an empty text", ["4"]],
  ["several texts", ["4test1", "4test2", "4test3"]],
  ["text beyond ASCII", ["4é", "4€", "4😀", "4\u2028\u2029"]],
  ["control characters", ["4a\nb\r\tc\x00d\x7f"]],
  ["digits and colons", ["42:10:b4", "40", "4b4AQID"]],
  ["bytes", [bytes]],
  ["text and bytes in order", ["4one", bytes, "4two", Buffer.from([0x34]), "4three"]],
  ["all byte values", [Buffer.from(Array.from({ length: 256 }, (_, i) => i))]],
  ["300 kB of text", [`4${"x".repeat(300_000)}`]],
  ["300 kB of bytes", [Buffer.alloc(300_000, 7)]],
  ["a hundred packets at once", Array.from({ length: 100 }, (_, i) => `4${i}`)],
];

for (const Link of links) {
  withServer(`messages over ${Link.kind}`, {}, (server) => {
    for (const [name, packets] of echoed) {
      test(`${name} comes back exactly`, async () => {
        const link = await Link.open(server, "/engine.io/");
        await link.send(...packets);
        for (const packet of packets) assert.deepEqual(await link.next(), packet);
        await link.quiet(20);
        link.leave();
      });
    }

    test("an unsolicited pong, an upgrade and a noop packet do no harm", async () => {
      const link = await Link.open(server, "/engine.io/");
      await link.send("3", "5", "6");
      await link.send("4still here");
      assert.equal(await link.next(), "4still here");
      link.leave();
    });

    for (const packet of ["2", "2probe", "abc", "7", "9", " 4hello", "-", "é"]) {
      test(`the packet ${JSON.stringify(packet)} ends the session`, async () => {
        const link = await Link.open(server, "/engine.io/");
        await link.send(packet);
        await link.closed();
        link.leave();
      });
    }
  });
}

withServer("polling by hand", {}, (server) => {
  const open = () => ByHand.open(server);

  test("packets sent between two polls come in one answer", async () => {
    const session = await open();
    await session.post(["4a", "4b"].join(SEPARATOR));
    await session.post("4c");
    const packets = [];
    while (packets.length < 3) packets.push(...(await session.get()).text.split(SEPARATOR));
    assert.deepEqual(packets, ["4a", "4b", "4c"]);
  });

  test("a POST is answered ok as text/html", async () => {
    const session = await open();
    const answer = await session.post("4x");
    assert.deepEqual([answer.status, answer.text], [200, "ok"]);
    assert.equal(answer.headers["content-type"], "text/html");
    assert.equal(answer.headers["content-length"], "2");
  });

  test("binary goes as base64 with padding", async () => {
    const session = await open();
    await session.post(`bAQID${SEPARATOR}bAQIDBA==`);
    assert.equal((await session.get()).text, `bAQID${SEPARATOR}bAQIDBA==`);
  });

  test("a chunked POST is a POST", async () => {
    const session = await open();
    const raw = await Raw.open(server);
    const headers = { "Transfer-Encoding": "chunked" };
    raw.write(compose(server, session.target, { method: "POST", headers, body: "" }));
    raw.write("3\r\n4ch\r\n").write("5\r\nunked\r\n0\r\n\r\n");
    assert.equal((await raw.response()).status, 200);
    raw.destroy();
    assert.equal((await session.get()).text, "4chunked");
  });

  test("a request that comes byte by byte is a request", async () => {
    const session = await open();
    const raw = await Raw.open(server);
    const whole = compose(server, session.target, { method: "POST", body: "4slow€" });
    for (const byte of whole) await raw.flush(Buffer.from([byte]));
    assert.equal((await raw.response()).status, 200);
    raw.destroy();
    assert.equal((await session.get()).text, "4slow€");
  });

  test("the close packet is answered, and a waiting poll gets a noop", async () => {
    const session = await open();
    const raw = await session.hang();
    assert.equal((await session.post("1")).text, "ok");
    assert.equal((await raw.response()).body.toString(), "6");
    raw.destroy();
    await session.gone();
  });

  test("a second poll while one waits ends the session", async () => {
    const session = await open();
    const first = await session.hang();
    await first.quiet(30); // it has to be the first at the server too
    const second = await session.get();
    assert.equal(second.status, 400);
    const answer = await first.response();
    assert.deepEqual([answer.status, answer.body.toString()], [200, "1"]);
    first.destroy();
    await session.gone();
  });

  test("a bad packet ends the session, its POST is answered, the rest not delivered", async () => {
    const session = await open();
    assert.equal((await session.post(`abc${SEPARATOR}4never`)).text, "ok");
    await session.gone();
  });

  for (const body of ["", SEPARATOR, `4a${SEPARATOR}`, `${SEPARATOR}4a`]) {
    test(`the payload ${JSON.stringify(body)} ends the session`, async () => {
      const session = await open();
      assert.equal((await session.post(body)).status, 200);
      await session.gone();
    });
  }

  test("a poll that the client cuts ends the session", async () => {
    const session = await open();
    const raw = await session.hang();
    await raw.quiet(30); // the request has to be there before it is cut
    raw.destroy();
    await session.gone();
  });

  for (const method of ["PUT", "DELETE", "PATCH"]) {
    test(`${method} with a sid gets 500 and leaves the session`, async () => {
      const session = await open();
      const answer = await request(server, session.target, { method, body: "" });
      assert.deepEqual([answer.status, answer.text], [500, ""]);
      await session.post("4alive");
      assert.equal((await session.get()).text, "4alive");
    });
  }

  test("a sid with another EIO or transport gets code 3 and leaves the session", async () => {
    const session = await open();
    for (const [from, to] of [["EIO=4", "EIO=3"], ["polling", "websocket"]]) {
      const answer = await request(server, session.target.replace(from, to));
      assert.deepEqual([answer.status, JSON.parse(answer.text).code], [400, 3]);
    }
    await session.post("4alive");
    assert.equal((await session.get()).text, "4alive");
  });

  test("one byte over maxPayload gets 413, exactly maxPayload is taken", async () => {
    const session = await open();
    const whole = `4${"x".repeat(999_999)}`;
    assert.equal((await session.post(`${whole}y`)).status, 413);
    assert.equal((await session.post(whole)).status, 200);
    assert.equal((await session.get()).text.length, whole.length);
  });

  test("a chunked body over maxPayload gets 413", async () => {
    const session = await open();
    const raw = await Raw.open(server);
    const headers = { "Transfer-Encoding": "chunked" };
    raw.write(compose(server, session.target, { method: "POST", headers, body: "" }));
    const chunk = Buffer.from(`1000\r\n${"x".repeat(4096)}\r\n`);
    for (let i = 0; i < 246; i++) raw.write(chunk); // little more than the limit
    assert.equal((await raw.response()).status, 413);
    raw.destroy();
  });

  test("two sessions do not see each other", async () => {
    const [one, two] = [await open(), await open()];
    await one.post("4one");
    await two.post("4two");
    assert.equal((await two.get()).text, "4two");
    assert.equal((await one.get()).text, "4one");
  });
});

withServer("websocket sessions", {}, (server) => {
  test("a client that closes is answered with a close frame", async () => {
    const link = await WebSocketLink.open(server, "/engine.io/");
    link.socket.close();
    const { code } = await link.closed();
    assert.equal(code, 1005);
  });

  const skip = isReference() && behaviour.closePacketOnWebsocket;
  test("the close packet ends the session", { skip }, async () => {
    const link = await WebSocketLink.open(server, "/engine.io/");
    await link.send("1");
    assert.equal((await link.closed()).code, 1005);
  });

  test("an empty message ends the session", async () => {
    const link = await WebSocketLink.open(server, "/engine.io/");
    await link.send("");
    assert.equal((await link.closed()).code, 1005);
  });

  test("a text that starts with b is base64", async () => {
    const link = await WebSocketLink.open(server, "/engine.io/");
    await link.send("bAQIDBA==");
    assert.deepEqual(await link.next(), Buffer.from([1, 2, 3, 4]));
    link.leave();
  });

  test("exactly maxPayload is taken, a byte more closes with 1009", async () => {
    const link = await WebSocketLink.open(server, "/engine.io/");
    const whole = `4${"x".repeat(999_999)}`;
    await link.send(whole);
    assert.equal((await link.next()).length, whole.length);
    await link.send(`${whole}y`);
    assert.equal((await link.closed()).code, 1009);
  });

  test("polling requests with the sid of a websocket session get code 3", async () => {
    const link = await WebSocketLink.open(server, "/engine.io/");
    const { sid } = link.handshake;
    const answer = await request(server, `/engine.io/?EIO=4&transport=polling&sid=${sid}`);
    assert.deepEqual([answer.status, JSON.parse(answer.text).code], [400, 3]);
    await link.send("4alive");
    assert.equal(await link.next(), "4alive");
    link.leave();
  });
});

/** A polling session whose every request is made by the row. */
class ByHand {
  static async open(server) {
    const link = await PollingLink.open(server, "/engine.io/", { byHand: true });
    return Object.assign(new ByHand(), { server, target: link.target });
  }

  get() {
    return request(this.server, this.target);
  }

  post(body, headers = {}) {
    return request(this.server, this.target, { method: "POST", headers, body });
  }

  /** A poll that waits. */
  async hang() {
    return (await Raw.open(this.server)).write(compose(this.server, this.target));
  }

  /** The session is unknown from here on. */
  async gone() {
    const answer = await this.get();
    assert.equal(answer.status, 400);
    assert.equal(answer.text, '{"code":1,"message":"Session ID unknown"}');
  }
}
