// What happens to clients behind mad-proxy when nodes die, hang or leave, and when the proxy itself
// is told something new or replaced. Each gives figures; the tests judge small runs of them, and
// bench/proxy_faults.mjs prints large ones.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { io } from "socket.io-client";
import { serve } from "./launch.mjs";
import { Load, address } from "./load.mjs";
import { startProxy, upstreams } from "./proxied.mjs";
import { Line, PollingSession, Tally, WebSocketSession, crowd } from "./sessions.mjs";
import { pause, until, within } from "./wait.mjs";

const base = 25_000; // ping interval of the first node; the next has 1 ms more, and so on

/**
 * Nodes that can be told apart by the ping interval of their handshakes. They wait for a session's
 * first packet as long as nodes do (45 s): with the second that is the test server's default, a
 * machine that is busy for a second would end sessions, and it would look like the proxy.
 */
async function startNodes(count) {
  const patient = ["--eio3", "on", "--connect-timeout", "45s"];
  const flags = (i) => ["--ping-interval", `${base + i}ms`, ...patient];
  const start = (i, port = 0) => serve("conformance-server", flags(i), port);
  const nodes = [];
  for (let i = 0; i < count; i++) nodes.push(await start(i));
  nodes.again = async (i) => (nodes[i] = await start(i, nodes[i].port));
  return nodes;
}

const nodeOf = (handshake) => handshake.pingInterval - base;

/** The value below which that share of all values is. */
export function quantile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

async function behind(count, flags, body) {
  const nodes = await startNodes(count);
  let proxy;
  try {
    proxy = await startProxy(nodes, flags);
    await proxy.ready();
    return await body(nodes, proxy);
  } finally {
    await stopAll([proxy, ...nodes]);
  }
}

async function stopAll(all) {
  for (const one of all) await one?.stop().catch(() => one.program.child.kill("SIGKILL"));
}

const stateIs = (proxy, i, wanted, what, ms) =>
  until(async () => wanted(await proxy.state(`node${i}`)), what, ms);

const isOut = ({ state }) => state === "down" || state === "held";

/** A client as users have them, with its default delays; says on which node it is. */
class Client {
  constructor(server, i) {
    const transports = [["polling"], ["websocket"], ["polling", "websocket"]][i % 3];
    this.socket = io(server.url, { transports, forceNew: true });
    this.socket.on("connect", () => (this.since = performance.now()));
    this.speaking = setInterval(() => this.socket.volatile.emit("message", i), 200);
  }
  get node() {
    const { engine } = this.socket.io;
    return this.socket.connected ? nodeOf({ pingInterval: engine._pingInterval }) : undefined;
  }
  end() {
    clearInterval(this.speaking);
    this.socket.disconnect();
  }
}

/** Where a node was: connections that are not probes are noted, and nobody is answered. */
async function listenInstead({ host, port }) {
  const asked = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (bytes) => {
      const line = bytes.toString("latin1").split("\r\n")[0];
      if (/ \/socket\.io\//.test(line) && !/transport=mad-health|transport=&/.test(line))
        asked.push(line);
      socket.destroy();
    });
  });
  await new Promise((done, fail) => {
    server.once("error", fail).listen(port, host, done);
  });
  return { asked, close: () => new Promise((done) => server.close(done)) };
}

/**
 * kill -9 of one node after the other, under load; at most every `gap` ms, since a node that falls
 * too often is held out for a minute.
 */
export async function kills({ rounds, clients = 60, gap = 6000, flags = [] }) {
  return behind(3, flags, async (nodes, proxy) => {
    const all = Array.from({ length: clients }, (_, i) => new Client(proxy, i));
    const figures = { hit: 0, back: [], known: [], late: [], refused: new Tally() };
    const longestAlive = [0, 1, 2];
    try {
      const settled = () => all.every(({ node }) => node !== undefined);
      await until(settled, "all clients on a node", 20_000);
      for (let round = 0; round < rounds; round++) {
        const on = nodes.map((_, i) => all.filter(({ node }) => node === i));
        const dead = longestAlive.find((i) => on[i].length > 0);
        longestAlive.push(...longestAlive.splice(longestAlive.indexOf(dead), 1));
        const hit = on[dead];
        const { child, exited } = nodes[dead].program;
        const killed = performance.now();
        child.kill("SIGKILL");
        await exited;
        await stateIs(proxy, dead, isOut, "known dead", 20_000);
        figures.known.push(performance.now() - killed);
        const instead = await listenInstead(nodes[dead]);
        const returned = ({ node, since }) => node !== undefined && node !== dead && since > killed;
        await until(() => hit.every(returned), "all back elsewhere", 30_000);
        figures.hit += hit.length;
        figures.back.push(...hit.map(({ since }) => since - killed));
        // Everybody who comes now must find a living node.
        const { errors } = await crowd(proxy, 100);
        for (const name of errors.keys()) figures.refused.add(name);
        figures.late.push(...instead.asked);
        await instead.close();
        await nodes.again(dead);
        await stateIs(proxy, dead, ({ share }) => share > 0, "taken back", 20_000);
        await until(settled, "all clients on a node", 20_000);
        await pause(Math.max(0, killed + gap - performance.now()));
      }
    } finally {
      all.forEach((client) => client.end());
    }
    return figures;
  });
}

/** A session that opens another as soon as it is asked to go, and notes how that went. */
class Mover {
  constructor(proxy, i, figures) {
    Object.assign(this, { proxy, i, figures, moving: true });
  }
  async open() {
    const from = address(this.i);
    this.session =
      this.i % 10 === 9
        ? await PollingSession.open(new Line(this.proxy, { from, keep: true }))
        : await WebSocketSession.open(this.proxy, { from });
    this.node = nodeOf(this.session.handshake);
  }
  async run() {
    const { figures, i } = this;
    for (let n = 0; this.moving; n++) {
      try {
        await this.session.echo(`${i} ${n}`);
        await pause(500 + (i % 500)); // what a calm client does
      } catch (error) {
        const { code = "close packet" } = this.session;
        const left = performance.now();
        if (!error.closed) figures.errors.add(error.message);
        figures.said.add(code);
        try {
          await this.open();
          figures.away.push(performance.now() - left);
        } catch (again) {
          figures.errors.add(`coming back: ${again.message}`);
          return;
        }
      }
    }
  }
}

/** Drains a node that has so many sessions, while all of them speak. */
export async function drain({ sessions, flags = [] }) {
  return behind(2, flags, async (nodes, proxy) => {
    const figures = { errors: new Tally(), said: new Tally(), away: [] };
    const movers = [];
    const onFirst = () => movers.filter(({ node }) => node === 0).length;
    const lane = async () => {
      while (onFirst() < sessions) {
        const mover = new Mover(proxy, movers.length, figures);
        movers.push(mover);
        await mover.open();
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    figures.moved = onFirst();
    const running = movers.map((mover) => mover.run());
    const began = performance.now();
    const { status } = await proxy.admin("/upstreams/node0/drain", "POST");
    if (status !== 200) throw new Error(`drain was answered ${status}`);
    await stateIs(proxy, 0, ({ state }) => state === "drained", "drained", 60_000);
    figures.took = performance.now() - began;
    await until(() => onFirst() === 0, "all elsewhere");
    movers.forEach((mover) => (mover.moving = false));
    await Promise.all(running);
    await Promise.all(movers.map(({ session }) => session.close()));
    return figures;
  });
}

/** SIGSTOP of a node: when the proxy has it out, and its websockets are elsewhere. */
export async function hangs({ rounds, websockets = 30, flags = [] }) {
  return behind(3, flags, async (nodes, proxy) => {
    const figures = { out: [], back: [], refused: new Tally() };
    for (let round = 0; round < rounds; round++) {
      const open = (_, i) => WebSocketSession.open(proxy, { from: address(i) });
      const sessions = await Promise.all(Array.from({ length: websockets }, open));
      const on = (i) => sessions.filter(({ handshake }) => nodeOf(handshake) === i);
      const hung = [0, 1, 2].reduce((most, i) => (on(i).length > on(most).length ? i : most));
      const { child } = nodes[hung].program;
      const stopped = performance.now();
      child.kill("SIGSTOP");
      try {
        await stateIs(proxy, hung, isOut, "out", 20_000);
        figures.out.push(performance.now() - stopped);
        for (const session of on(hung)) {
          await within(session.closed, "end of a websocket of a node that hangs");
          const again = await WebSocketSession.open(proxy);
          figures.back.push(performance.now() - stopped);
          await again.close();
        }
        const { errors } = await crowd(proxy, 100);
        for (const name of errors.keys()) figures.refused.add(name);
      } finally {
        child.kill("SIGCONT");
      }
      await stateIs(proxy, hung, ({ share }) => share > 0, "taken back", 20_000);
      const rest = sessions.filter((session) => session.code === undefined);
      await Promise.all(rest.map((session) => session.close()));
    }
    return figures;
  });
}

/** Reloads of a file that changes each time, under load. */
export async function reloads({ rounds, live = 500, rate = 200, seconds = 1.5 }) {
  const nodes = await startNodes(3);
  const folder = mkdtempSync(join(tmpdir(), "mad-reload-"));
  const file = join(folder, "proxy.toml");
  const write = (round) => {
    const list = upstreams(nodes).filter((word) => word !== "--upstream");
    list[2] += `?weight=${round + 1}`;
    const lines = [`max_rate_per_address = ${1000 + round}`, `upstream = ${JSON.stringify(list)}`];
    writeFileSync(file, lines.join("\n"));
  };
  let proxy;
  try {
    write(0);
    proxy = await startProxy([], ["--config", file]);
    for (const i of nodes.keys()) await stateIs(proxy, i, ({ share }) => share > 0, "up", 20_000);
    const load = await Load.start(proxy, { live, rate });
    for (let round = 1; round <= rounds; round++) {
      write(round);
      proxy.program.child.kill("SIGHUP");
      await stateIs(proxy, 2, ({ weight }) => weight === round + 1, "what the file says");
      await pause(seconds * 1000); // the load goes on
    }
    return await load.stop();
  } finally {
    await stopAll([proxy, ...nodes]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A new process takes over from the old one, as often as asked, under load. */
export async function handovers({ rounds, live = 500, rate = 200, seconds = 1.5 }) {
  const nodes = await startNodes(3);
  const folder = mkdtempSync(join(tmpdir(), "mad-handover-"));
  const flags = ["--handover", join(folder, "socket")];
  const running = [];
  try {
    running.push(await startProxy(nodes, flags));
    await running[0].ready();
    const load = await Load.start(running[0], { live, rate });
    const figures = { load, ready: [], over: [] };
    for (let round = 0; round < rounds; round++) {
      const [old] = running;
      const began = performance.now();
      running.unshift(await startProxy(nodes, flags, old.port));
      figures.ready.push(performance.now() - began);
      const code = await within(old.program.exited, "end of the old process", 60_000);
      if (code !== 0) throw new Error(`the old process ended with ${code}: ${old.program.errors}`);
      figures.over.push(performance.now() - began);
      running.pop();
      await pause(seconds * 1000); // the load goes on
    }
    await load.stop();
    return figures;
  } finally {
    await stopAll([...running, ...nodes]);
    rmSync(folder, { recursive: true, force: true });
  }
}
