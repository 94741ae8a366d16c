// A TCP relay between a client and a server that can be cut, stalled and unplugged.

import { connect, createServer } from "node:net";
import { once } from "node:events";

export class Cable {
  #pairs = new Set();
  #plugged = true;
  #stalled = false;

  /** Listens on a port of its own: {host, port, url} look like the server's. */
  static async to(server) {
    const cable = new Cable();
    cable.server = server;
    cable.listener = createServer((near) => cable.#relay(near));
    cable.listener.listen(0, "127.0.0.1");
    await once(cable.listener, "listening");
    const { port } = cable.listener.address();
    return Object.assign(cable, { host: "127.0.0.1", port, url: `http://127.0.0.1:${port}` });
  }

  #relay(near) {
    near.on("error", () => {});
    if (!this.#plugged) {
      near.destroy();
      return;
    }
    const far = connect({ host: this.server.host, port: this.server.port });
    const pair = [near, far];
    this.#pairs.add(pair);
    for (const [from, to] of [pair, pair.toReversed()]) {
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      from.pipe(to);
      if (this.#stalled) from.pause();
    }
  }

  /** How many connections go through. */
  get connections() {
    return this.#pairs.size;
  }

  /** Ends every connection; new ones go through. */
  cut() {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy());
  }

  /** From now on nothing passes, and nobody is told. */
  stall() {
    this.#stalled = true;
    for (const [near, far] of this.#pairs) {
      near.unpipe(far);
      far.unpipe(near);
      near.pause();
      far.pause();
    }
  }

  /** Cuts, and lets new connections through if `plugged`. */
  plug(plugged) {
    this.#plugged = plugged;
    this.#stalled = false;
    this.cut();
  }

  close() {
    this.cut();
    this.listener.close();
  }
}
