// Several nodes on one Redis, each with a client that tells it what to do (cluster.hpp and
// reference/cluster-node.mjs) and notes what it hears.

import { createRequire } from "node:module";
import { io } from "socket.io-client";
import { serve } from "./launch.mjs";
import { startRedis } from "./redis_server.mjs";
import { until, within } from "./wait.mjs";

const require = createRequire(import.meta.url);
const control = new Set(["auth", "question"]);

/** A client on a node: `ask(event, ...args)` waits for the answer, `heard` is all it got. */
export class Client {
  heard = [];
  ended;
  seen = new Set(); // of `startFleet`
  mute = false; // answers nothing

  constructor(node, { release = 4, answer, ...options } = {}) {
    this.answer = answer;
    const open = release === 4 ? io : require("socket.io-client-2.3");
    this.socket = open(node.url, { transports: ["websocket"], forceNew: true, ...options });
    const note = (event, args) => {
      if (event === "question") {
        const ack = args.pop();
        if (!this.mute && typeof ack === "function") ack(answer);
      }
      if (event.startsWith("up-")) this.seen.add(event);
      if (control.has(event) || event.startsWith("up-")) return;
      this.heard.push([event, ...args]);
      this.onHeard?.(event);
    };
    if (release === 4) {
      this.socket.onAny((event, ...args) => note(event, args));
    } else {
      const known = this.socket.onevent;
      this.socket.onevent = function (packet) {
        const args = [...packet.data];
        if (packet.id != null) args.push(this.ack(packet.id));
        note(args.shift(), args);
        known.call(this, packet);
      };
    }
    this.socket.on("disconnect", (reason) => (this.ended = reason));
  }

  async ready() {
    await until(() => this.socket.connected, "the connection");
    this.id = await this.ask("whoami");
    return this;
  }

  ask(event, ...args) {
    const answered = new Promise((done) => this.socket.emit(event, ...args, done));
    return within(answered, `answer to ${event}`);
  }

  /** Waits until `event` has come, and gives its arguments; forgets what came up to it. */
  async hears(event) {
    await until(() => this.heard.some(([name]) => name === event), `${event} heard`);
    const at = this.heard.findIndex(([name]) => name === event);
    return this.heard.splice(0, at + 1).at(-1).slice(1);
  }

  close() {
    this.socket.close();
  }
}

/**
 * Starts Redis and nodes: `{name: {kind, args, client}}`, where kind is "mad" or an adapter of
 * cluster-node. Gives {redis, nodes, clients, stop}.
 */
export async function startFleet(wanted) {
  const redis = await startRedis();
  const nodes = {};
  const clients = {};
  for (const [name, { kind, args = [], client }] of Object.entries(wanted)) {
    const more = kind === "mad" ? args : ["--adapter", kind, ...args];
    nodes[name] = await serve(kind === "mad" ? "conformance-server" : "cluster-node", [
      "--redis",
      redis.url,
      ...more,
    ]);
    const release = kind === "v2" ? 2 : 4;
    clients[name] = await new Client(nodes[name], { release, answer: `from ${name}`, ...client })
      .ready();
  }
  const all = Object.values(clients);
  // Every node hears every other: subscriptions take a moment.
  for (const one of all) {
    const event = `up-${Math.random()}`;
    await until(async () => {
      await one.ask("x-emit", {}, event);
      return all.every((c) => c.seen.has(event));
    }, "all nodes to hear each other");
  }
  return {
    redis,
    nodes,
    clients,
    all,
    stop: async () => {
      all.forEach((c) => c.close());
      try {
        for (const node of Object.values(nodes)) await node.stop();
      } finally {
        await redis.stop();
      }
    },
  };
}
