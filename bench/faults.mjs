// What faults of Redis and of nodes cost a fleet: three nodes on one Redis, 30 agents with 1,000
// samples a second in all, a console at each of two nodes. Prints a line a fault: how long after it the
// nodes were ready again, and each console showed the last value of each agent (which speak until
// all are ready), what it was told of agents that have gone, and how long `GET /health` took
// meanwhile (99 of 100).
//
//     npm ci --prefix tests/conformance
//     node bench/faults.mjs [build/release/bin/mad-api]
//
// Needs redis-server and some nine minutes; `--quick` leaves the long pauses out. As root, and with
// iproute2, iptables and util-linux, all of it runs in two networks apart from the machine's, between
// which packets get lost too.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { createConnection, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const here = createRequire(new URL("../tests/conformance/package.json", import.meta.url));
const { io } = here("socket.io-client");

const quick = process.argv.includes("--quick");
const program =
  process.argv.slice(2).find((a) => !a.startsWith("--")) ?? "build/release/bin/mad-api";
const wait_s = 60; // for what must come

const run = (file, ...args) => execFileSync(file, args, { stdio: ["ignore", "ignore", "inherit"] });

// In a network of our own from the start, where we may have one.
if (!process.env.MAD_FAULTS_APART) {
  const trial = ["--net", "sh", "-c", "ip link set lo up && iptables -w -F"];
  const apart = spawnSync("unshare", trial).status === 0;
  const again = [process.execPath, ...process.argv.slice(1)];
  const [file, ...args] = apart ? ["unshare", "--net", ...again] : again;
  const env = { ...process.env, MAD_FAULTS_APART: apart ? "yes" : "no" };
  process.exit(spawnSync(file, args, { stdio: "inherit", env }).status ?? 1);
}
const isApart = process.env.MAD_FAULTS_APART === "yes";
if (isApart) run("ip", "link", "set", "lo", "up");
else console.log("no packets get lost: needs root, unshare, ip and iptables");

const children = new Set();
function start(file, ...args) {
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "ignore"] });
  children.add(child);
  child.on("exit", () => children.delete(child));
  return child;
}
process.on("exit", () => children.forEach((c) => c.kill("SIGKILL")));

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  return port;
}

async function until(done, seconds = wait_s) {
  const end = performance.now() + seconds * 1000;
  while (!(await done())) {
    if (performance.now() > end) return false;
    await sleep(10);
  }
  return true;
}

/** A network beside ours, for as long as a process in it lives, and a wire between the two. */
class FarNetwork {
  address = "10.77.0.2";
  constructor() {
    const holder = start("unshare", "--net", "sleep", "1d");
    this.enter = ["nsenter", `--net=/proc/${holder.pid}/ns/net`];
    const network = (pid) => readlinkSync(`/proc/${pid}/ns/net`);
    const end = performance.now() + 5000;
    while (network(holder.pid) === network("self")) // until it has left ours
      if (performance.now() > end) throw new Error("no second network");
    this.#ours(`ip link add near type veth peer far netns ${holder.pid}`);
    this.#ours("ip address add 10.77.0.1/24 dev near");
    this.#ours("ip link set near up");
    this.#theirs("ip link set lo up");
    this.#theirs(`ip address add ${this.address}/24 dev far`);
    this.#theirs("ip link set far up");
    this.heal();
  }
  #ours(command) {
    run(...command.split(" "));
  }
  #theirs(command) {
    run(...this.enter, ...command.split(" "));
  }
  /** From now on packets are lost where they come in: what is said to Redis, what it says, or all. */
  lose(what) {
    if (what !== "answers") this.#theirs("iptables -w -A INPUT -j DROP");
    if (what !== "commands") this.#ours("iptables -w -A INPUT -i near -j DROP");
  }
  heal() {
    this.#theirs("iptables -w -F");
    this.#ours("iptables -w -F");
  }
}

/** A Redis that can be killed and started again on its port. */
class Redis {
  static async start(net) {
    const redis = new Redis();
    redis.enter = net?.enter ?? [];
    redis.host = net?.address ?? "127.0.0.1";
    redis.port = await freePort();
    await redis.again();
    return redis;
  }
  async again() {
    const place = ["--port", this.port, "--bind", this.host, "--save", ""];
    this.child = start(...this.enter, "redis-server", ...place, "--protected-mode", "no");
    if (!(await until(() => this.say("PING"), 10))) throw new Error("redis-server does not start");
  }
  kill(signal) {
    this.child.kill(signal);
  }
  /** The first piece of the answer; nothing when there is nobody. */
  say(command) {
    return new Promise((done) => {
      const wire = createConnection(this.port, this.host);
      const end = (answer) => (wire.destroy(), done(answer));
      wire.on("connect", () => wire.write(`${command}\r\n`));
      wire.on("data", (text) => end(String(text)));
      wire.on("error", () => end());
    });
  }
}

/** A console that keeps its table as the page does. */
class Page {
  table = new Map();
  gone = new Map();
  constructor(url) {
    const socket = io(url, { transports: ["websocket"], forceNew: true });
    const take = (r) => this.table.set(r.id, r.health.storage);
    socket.on("connect", () => socket.emit("web_connected"));
    socket.on("load_clients", (all) => (this.table.clear(), all.forEach(take)));
    socket.on("web_client_update", take);
    socket.on("web_client_disconnect", (id) => {
      this.table.delete(id);
      this.gone.set(id, (this.gone.get(id) ?? 0) + 1);
    });
  }
  told() {
    const most = Math.max(0, ...this.gone.values());
    return `${this.gone.size} gone${most > 1 ? `, up to ${most} times` : ""}`;
  }
}

class Agent {
  value = 0;
  #seq = 0;
  constructor(id, url, reconnection) {
    this.id = id;
    this.socket = io(url, { transports: ["websocket"], forceNew: true, reconnection });
    this.socket.on("connect", () => this.#say("client_connected"));
  }
  speak(value) {
    if (!this.socket.connected) return;
    this.value = value;
    this.#say("client_healthcheck");
  }
  #say(event) {
    const health = { storage: this.value, network: 0 };
    this.socket.emit(event, { id: this.id, v: 2, run: `run-${this.id}`, seq: ++this.#seq, health });
  }
}

const net = isApart ? new FarNetwork() : undefined;
const redis = await Redis.start(net);
const nodes = await Promise.all(
  [0, 1, 2].map(async () => {
    const url = `redis://${redis.host}:${redis.port}`;
    const child = start(program, "--listen", "0", "--threads", "1", "--redis", url);
    const [line] = await once(child.stdout, "data");
    return { child, url: String(line).trim().split(" ")[2] };
  }),
);
const pages = [new Page(nodes[0].url), new Page(nodes[1].url)];
let agents = Array.from({ length: 30 }, (_, i) => new Agent(`a${i}`, nodes[i % 3].url, i % 3 < 2));

let said = 0;
let speaking = true;
const speech = setInterval(() => {
  for (let i = 0; speaking && i < 20; ++i) agents[++said % agents.length].speak(said);
}, 20);

let pings = [];
let asking = true;
const pinging = (async () => {
  while (asking) {
    const asked = performance.now();
    const ok = await fetch(`${nodes[0].url}/health`).then(
      (r) => r.text(),
      () => undefined,
    );
    pings.push(ok === undefined ? Infinity : performance.now() - asked);
    await sleep(10);
  }
})();

const isReady = (n) =>
  fetch(`${n.url}/ready`).then(
    (r) => r.ok,
    () => false,
  );
const allReady = async () => (await Promise.all(nodes.map(isReady))).every(Boolean);
const isRight = (p) =>
  p.table.size === agents.length && agents.every((a) => p.table.get(a.id) === a.value);

/** Waits for all to be well again after a fault, and says what it came to. */
async function settle(fault, ms) {
  const over = performance.now();
  const ready = await until(allReady);
  const took = ms ?? performance.now() - over;
  pings.sort((a, b) => a - b);
  const p99 = pings[Math.floor(pings.length * 0.99)] ?? NaN;
  speaking = false;
  const right = await until(() => pages.every(isRight), 5);
  const shown = Math.max(took, performance.now() - over);
  console.log(
    [
      fault.padEnd(32),
      ready ? `${(took / 1000).toFixed(2)} s`.padStart(8) : "   never",
      right ? `right after ${(shown / 1000).toFixed(2)} s` : "WRONG".padEnd(18),
      `told: ${pages.map((p) => p.told()).join("; ")}`,
      `ping p99 ${p99.toFixed(0)} ms`,
    ].join("  "),
  );
  pages.forEach((p) => p.gone.clear());
  speaking = true;
  await sleep(1000);
  pings = [];
}

if (!(await until(async () => (await allReady()) && pages.every((p) => p.table.size === 30))))
  throw new Error("the fleet does not come together");
await settle("none");

{
  agents = agents.filter((_, i) => i % 3 < 2);
  nodes.pop().child.kill("SIGKILL");
  const died = performance.now();
  await until(() => pages.every((p) => p.table.size === 20));
  await settle("kill -9 of a node", performance.now() - died);
}
for (const seconds of quick ? [3] : [3, 12, 40]) {
  redis.kill("SIGSTOP");
  await sleep(seconds * 1000);
  redis.kill("SIGCONT");
  await settle(`SIGSTOP of Redis for ${seconds} s`);
}
for (const seconds of quick ? [0, 0] : [0, 0, 0, 0, 0, 30, 30, 30, 30, 30]) {
  redis.kill("SIGKILL");
  await once(redis.child, "exit");
  await sleep(seconds * 1000);
  await redis.again();
  await settle(`Redis killed, started after ${seconds} s`);
}
if (net)
  for (const what of ["all", "commands", "answers"])
    for (const seconds of quick ? [6] : [3, 6, 30]) {
      net.lose(what);
      await sleep(seconds * 1000);
      net.heal();
      await settle(`packets lost for ${seconds} s: ${what}`);
    }
for (let i = 0; i < 50; ++i) {
  await redis.say("CLIENT KILL TYPE pubsub");
  await sleep(50);
}
await settle("CLIENT KILL TYPE pubsub, 50 times");

clearInterval(speech);
asking = false;
await pinging;
process.exit(0);
