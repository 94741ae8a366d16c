// Socket.IO by hand: every row connects, says its packets and demands the answers, on both wires.

import assert from "node:assert/strict";
import { test } from "node:test";
import WebSocket from "ws";
import { behaviour } from "../deliberate.mjs";
import { SEPARATOR, compose, request, target } from "../lib/http.mjs";
import { isReference } from "../lib/launch.mjs";
import { PollingLink, links } from "../lib/links.mjs";
import { Raw } from "../lib/raw.mjs";
import { withServer } from "../lib/suite.mjs";
import { next, within } from "../lib/wait.mjs";
import { accepted, connects, ending, endingHere } from "./socketio_rows.mjs";

/** Packets with the ids in them replaced, so that rows can be written down. */
function plain(packet) {
  return typeof packet === "string" ? packet.replace(/"sid":"[\w-]{20}"/g, '"sid":"*"') : packet;
}

async function expectAll(link, packets) {
  for (const wanted of packets) assert.deepEqual(plain(await link.next()), wanted);
}

/** A session that has joined `/` (and `/custom`), the greetings read. */
async function joined(Link, server, ...namespaces) {
  const link = await Link.open(server, "/socket.io/");
  for (const nsp of namespaces.length ? namespaces : [""]) {
    await link.send(`40${nsp}`);
    await expectAll(link, [`40${nsp}{"sid":"*"}`, `42${nsp}["auth",{}]`]);
  }
  return link;
}

/** An answered question: the connection is alive and nothing stood before the answer. */
async function alive(link, nsp = "") {
  await link.send(`42${nsp}99["echo","alive"]`);
  assert.equal(await link.next(), `43${nsp}99["alive"]`);
}

for (const Link of links) {
  withServer(`Socket.IO over ${Link.kind}`, { concurrency: 8 }, (server) => {
    for (const [name, ...turns] of connects) {
      test(name, async () => {
        const link = await Link.open(server, "/socket.io/");
        for (const [packet, answers] of turns) {
          await link.send(packet);
          await expectAll(link, answers);
        }
        link.leave();
      });
    }

    for (const [name, packets, answers, nsp = ""] of accepted) {
      test(name, async () => {
        const link = await joined(Link, server, nsp);
        await link.send(...packets);
        await expectAll(link, answers);
        await alive(link, nsp);
        link.leave();
      });
    }

    for (const [name, packets, before = [""]] of [...ending, ...endingHere]) {
      const skip = isReference() && endingHere.some((row) => row[0] === name) && behaviour.limits;
      test(`${name} ends the session`, { skip }, async () => {
        const link = before.length
          ? await joined(Link, server, ...before)
          : await Link.open(server, "/socket.io/");
        for (const packet of packets) await link.send(packet).catch(() => {}); // it may be gone
        await link.closed();
        assert.deepEqual(link.inbox.rest, []);
        link.leave();
      });
    }

    test("the socket id is no session id and differs from namespace to namespace", async () => {
      const link = await Link.open(server, "/socket.io/");
      const ids = [link.handshake.sid];
      for (const nsp of ["", "/custom,"]) {
        await link.send(`40${nsp}`);
        const reply = await link.next();
        ids.push(JSON.parse(reply.slice(2 + nsp.length)).sid);
        await link.next();
        await link.send(`42${nsp}5["whoami"]`);
        assert.equal(await link.next(), `43${nsp}5["${ids.at(-1)}"]`);
      }
      for (const id of ids) assert.match(id, /^[\w-]{20}$/);
      assert.equal(new Set(ids).size, 3);
      link.leave();
    });

    test("a question of the server is answered by its id, once", async () => {
      const link = await joined(Link, server);
      await link.send('42["ask",{"q":[1,"€"]}]');
      const [, id] = /^42(\d+)\["question",\{"q":\[1,"€"\]\}\]$/.exec(await link.next());
      await link.send(`43${id}["first",2]`, `43${id}["again"]`);
      assert.equal(await link.next(), '42["answered","first",2]');
      await alive(link);
      link.leave();
    });

    test("a question may be answered with bytes", async () => {
      const link = await joined(Link, server);
      await link.send('42["ask",1]');
      const [, id] = /^42(\d+)/.exec(await link.next());
      await link.send(`461-${id}[{"_placeholder":true,"num":0}]`, Buffer.from([9, 8]));
      assert.equal(await link.next(), '451-["answered",{"_placeholder":true,"num":0}]');
      assert.deepEqual(await link.next(), Buffer.from([9, 8]));
      link.leave();
    });

    test("two questions are told apart by their ids", async () => {
      const link = await joined(Link, server);
      await link.send('42["ask","a"]', '42["ask","b"]');
      const ids = [await link.next(), await link.next()].map((text) => /^42(\d+)/.exec(text)[1]);
      assert.notEqual(ids[0], ids[1]);
      await link.send(`43${ids[1]}["to b"]`, `43${ids[0]}["to a"]`);
      await expectAll(link, ['42["answered","to b"]', '42["answered","to a"]']);
      link.leave();
    });

    test("after `41` the namespace can be joined again, under a new id", async () => {
      const link = await Link.open(server, "/socket.io/");
      const ids = [];
      for (let i = 0; i < 3; i++) {
        await link.send("40");
        ids.push(await link.next());
        await link.next();
        await link.send("41");
        await link.send("40/random,"); // its answer shows that the packet before has been read
        assert.match(await link.next(), /^44/);
      }
      assert.equal(new Set(ids).size, 3);
      await link.quiet(50);
      link.leave();
    });

    test("leaving one namespace leaves the other alone", async () => {
      const link = await joined(Link, server, "", "/custom,");
      await link.send("41/custom,");
      await alive(link);
      link.leave();
    });

    test("kick sends `41` and keeps the session", async () => {
      const link = await joined(Link, server, "", "/custom,");
      await link.send('42["kick"]');
      assert.equal(await link.next(), "41");
      await alive(link, "/custom,");
      await link.send("40");
      await expectAll(link, ['40{"sid":"*"}', '42["auth",{}]']);
      link.leave();
    });

    test("kick-conn sends `41` for every namespace, then ends the session", async () => {
      const link = await joined(Link, server, "", "/custom,");
      await link.send('42["kick-conn"]');
      assert.deepEqual([await link.next(), await link.next()].sort(), ["41", "41/custom,"]);
      await link.closed();
      link.leave();
    });

    test("drop-conn ends the session without `41`", async () => {
      const link = await joined(Link, server);
      await link.send('42["drop-conn"]');
      await link.closed();
      assert.deepEqual(link.inbox.rest, []);
      link.leave();
    });
  });
}

withServer("Socket.IO and everybody", {}, (server) => {
  for (const Link of links) {
    test(`a broadcast reaches all of the namespace and nobody else (${Link.kind})`, async () => {
      const [one, two, other] = [
        await joined(Link, server),
        await joined(links[0], server),
        await joined(links[1], server, "/custom,"),
      ];
      const tag = `bcast ${Link.kind}`;
      const wanted = `42["bcast-out","${tag}"]`;
      await one.send(`42["bcast","${tag}"]`);
      for (const link of [one, two]) while ((await link.next()) !== wanted);
      await alive(other, "/custom,");
      for (const link of [one, two, other]) link.leave();
    });
  }
});

withServer("Socket.IO and the last poll", { concurrency: true }, (server) => {
  /** A session on `/` by hand, and a poll of it that waits. */
  async function waiting() {
    const link = await PollingLink.open(server, "/socket.io/", { byHand: true });
    await link.post("40");
    let packets = [];
    while (packets.length < 2) {
      packets = packets.concat((await request(server, link.target)).text.split(SEPARATOR));
    }
    const poll = await Raw.open(server);
    poll.write(compose(server, link.target));
    await poll.quiet(50); // it has to be at the server before what follows
    return { link, poll };
  }

  test("kick-conn: `41` comes alone, the close packet with the next poll", async () => {
    const { link, poll } = await waiting();
    assert.equal((await link.post('42["kick-conn"]')).text, "ok");
    assert.equal((await poll.response()).body.toString(), "41");
    assert.equal((await request(server, link.target)).text, `6${SEPARATOR}1`);
    poll.destroy();
  });

  test("drop-conn: the waiting poll gets the close packet", async () => {
    const { link, poll } = await waiting();
    assert.equal((await link.post('42["drop-conn"]')).text, "ok");
    assert.equal((await poll.response()).body.toString(), "1");
    poll.destroy();
  });

  test("a bad packet: the waiting poll gets the close packet, the POST is answered", async () => {
    const { link, poll } = await waiting();
    assert.equal((await link.post("4abc")).text, "ok");
    assert.equal((await poll.response()).body.toString(), "1");
    poll.destroy();
  });
});

withServer("Socket.IO and the end of a session that upgrades", { concurrency: true }, (server) => {
  /** A session on `/` that has stopped polling, and its websocket that has been probed. */
  async function pausing() {
    const link = await PollingLink.open(server, "/socket.io/", { byHand: true });
    const { sid } = link.handshake;
    await link.post("40");
    let packets = [];
    while (packets.length < 2) {
      packets = packets.concat((await request(server, link.target)).text.split(SEPARATOR));
    }
    const where = target("/socket.io/", "websocket", { sid });
    const socket = new WebSocket(`ws://${server.host}:${server.port}${where}`);
    const seen = [];
    socket.on("error", () => {});
    socket.on("message", (data) => seen.push(data.toString()));
    const closed = new Promise((resolve) => socket.once("close", (code) => resolve(code)));
    await next(socket, "open");
    socket.send("2probe");
    await next(socket, "message");
    return { link, socket, seen, closed: () => within(closed, "close of the websocket") };
  }

  test("its last words come over the websocket when it does not poll again", async () => {
    const { link, socket, seen, closed } = await pausing();
    await link.post(`42["burst",2]${SEPARATOR}42["kick-conn"]`);
    socket.send("5");
    assert.equal(await closed(), 1005);
    assert.deepEqual(seen, ["3probe", '42["burst-back",0]', '42["burst-back",1]', "41"]);
    assert.equal((await request(server, link.target)).status, 400);
  });

  test("they come once: over polling when it does", async () => {
    const { link, socket, seen, closed } = await pausing();
    await link.post(`42["burst",1]${SEPARATOR}42["kick-conn"]`);
    const words = (await request(server, link.target)).text.split(SEPARATOR);
    assert.deepEqual(words, ['42["burst-back",0]', "41"]);
    socket.send("5");
    await closed();
    assert.deepEqual(seen, ["3probe"]);
  });

  test("without last words the websocket ends after the upgrade", async () => {
    const { link, socket, seen, closed } = await pausing();
    await link.post('42["drop-conn"]');
    socket.send("5");
    assert.equal(await closed(), 1005);
    assert.deepEqual(seen, ["3probe"]);
  });
});

withServer("Socket.IO and time", { concurrency: true }, (server) => {
  const CONNECT_TIMEOUT = 1000;

  for (const Link of links) {
    test(`who never connects is left after a second (${Link.kind})`, async () => {
      const start = Date.now();
      const link = await Link.open(server, "/socket.io/");
      await link.closed();
      assert.ok(Date.now() - start >= CONNECT_TIMEOUT - 5);
      link.leave();
    });

    test(`a refused namespace does not count as connected (${Link.kind})`, async () => {
      const start = Date.now();
      const link = await Link.open(server, "/socket.io/");
      await link.send("40/denied,");
      await link.next();
      await link.closed();
      assert.ok(Date.now() - start >= CONNECT_TIMEOUT - 5);
      link.leave();
    });

    test(`who has left its last namespace stays (${Link.kind})`, async () => {
      const link = await joined(Link, server);
      await link.send("41");
      await link.quiet(CONNECT_TIMEOUT + 200); // a bounded look at silence
      await link.send("40");
      await expectAll(link, ['40{"sid":"*"}', '42["auth",{}]']);
      link.leave();
    });
  }
});
