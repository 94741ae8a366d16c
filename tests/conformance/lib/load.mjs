// Sessions that live and sessions that come and go, all through one address, with every failure
// counted by what it was.

import { HeldSession, Line, PollingSession, Tally, WebSocketSession } from "./sessions.mjs";
import { pause } from "./wait.mjs";

/** One of 50 addresses of this machine, so that a proxy sees many clients. */
export const address = (i) => `127.0.0.${2 + (i % 50)}`;

/** Opens a session of its kind: websocket, polling on kept connections, polling on single ones. */
export function openSession(server, i) {
  const from = address(i);
  if (i % 3 === 0) return WebSocketSession.open(server, { from });
  const line = () => new Line(server, { from, keep: i % 3 === 1 });
  return HeldSession.open(line(), line());
}

export class Load {
  errors = new Tally();
  opened = 0;
  echoes = 0;
  #running = true;
  #live = [];
  #passing = new Set();

  /** Opens `live` sessions that speak each second, and `rate` new ones a second from then on. */
  static async start(server, { live, rate }) {
    const made = new Load();
    made.server = server;
    let next = 0;
    const lane = async () => {
      while (next < live) {
        const i = next++;
        made.#live.push(made.#keepTalking(await openSession(server, i), i));
      }
    };
    await Promise.all(Array.from({ length: 16 }, lane));
    made.#coming = made.#keepComing(rate);
    return made;
  }

  #coming;

  async #keepTalking(session, i) {
    try {
      for (let n = 0; this.#running; n++) {
        await session.echo(`${i} ${n}`);
        this.echoes++;
        await pause(900 + (i % 200)); // what a calm client does
      }
      await session.close();
    } catch (error) {
      this.errors.add(`living ${session.constructor.name}: ${error.message}`);
    }
  }

  async #keepComing(rate) {
    const kept = Array.from({ length: 20 }, (_, i) => {
      return { line: new Line(this.server, { keep: true, from: address(i) }), busy: false };
    });
    const began = performance.now();
    for (let i = 0; this.#running; i++) {
      const due = began + (i * 1000) / rate;
      if (due > performance.now()) await pause(due - performance.now());
      const one = this.#passBy(i, kept).finally(() => this.#passing.delete(one));
      this.#passing.add(one);
    }
    await Promise.all(this.#passing);
    kept.forEach(({ line }) => line.end());
  }

  async #passBy(i, kept) {
    const lane = i % 3 === 1 ? kept.find(({ busy }) => !busy) : undefined;
    const from = address(i);
    try {
      if (lane) lane.busy = true;
      const session = await (i % 3 === 0
        ? WebSocketSession.open(this.server, { from })
        : PollingSession.open(lane?.line ?? new Line(this.server, { from })));
      await session.echo(`${i}`);
      await session.close();
      this.opened++;
    } catch (error) {
      const kind = i % 3 === 0 ? "websocket" : lane ? "polling, kept" : "polling";
      this.errors.add(`new ${kind}: ${error.message}`);
      lane?.line.end();
    } finally {
      if (lane) lane.busy = false;
    }
  }

  /** Ends all of it: {errors, opened, echoes}. */
  async stop() {
    this.#running = false;
    await this.#coming;
    await Promise.all(this.#live);
    return this;
  }
}
