// The original's agent and console of legacy/ as programs of a test.

import { freePort } from "./free_port.mjs";
import { serve, start } from "./launch.mjs";
import { until, within } from "./wait.mjs";

const INTERVAL = 50;

// An agent that dies between two polls is missed by its heartbeat.
const heartbeat = ["--ping-interval", "1s", "--ping-timeout", "1s"];

/** Transports as the programs take them; by default they poll first and upgrade. */
export const transports = { polling: "polling", websocket: "websocket", upgrade: undefined };

class Legacy {
  #read = 0;

  constructor(name, environment) {
    this.program = start(name, [], environment);
  }

  /** What it has printed so far. */
  get said() {
    return this.program.lines.map((line) => JSON.parse(line));
  }

  /** The next thing it says that `match` accepts; what stands before it is passed over. */
  async next(match, what) {
    return await until(() => {
      while (this.#read < this.program.lines.length) {
        const line = JSON.parse(this.program.lines[this.#read++]);
        if (match(line)) return line;
      }
      if (this.program.exit !== undefined) {
        const { name, exit, errors } = this.program;
        throw new Error(`${name} ended (${exit}): ${errors}`);
      }
      return undefined;
    }, what);
  }

  async end(signal = "SIGTERM") {
    this.program.child.kill(signal);
    await within(this.program.exited, `end of ${this.program.name}`);
  }
}

export class Agent extends Legacy {
  constructor(url, id, TRANSPORTS) {
    super("legacy-agent", { API_URL: url, CLIENT_ID: id, INTERVAL: String(INTERVAL), TRANSPORTS });
    this.id = id;
  }
}

export class Console extends Legacy {
  constructor(url, TRANSPORTS, ORIGIN) {
    super("legacy-console", { API_URL: url, TRANSPORTS, ORIGIN });
  }

  /** Its next event of that name and id. */
  event(name, id) {
    const ofThat = ({ event, payload }) =>
      event === name && (id === undefined || (payload.id ?? payload) === id);
    return this.next(ofThat, `${name} of ${id ?? "anybody"}`);
  }

  /** Waits until its table has exactly these clients. */
  shows(...ids) {
    const wanted = ids.toSorted().join();
    const same = ({ table }) => table.map(({ id }) => id).toSorted().join() === wanted;
    return this.next(same, `table with ${wanted || "nobody"}`);
  }
}

/** mad-api for old peers, on a port that it gets again when it is started anew. */
export async function serveApi(more = [], port = undefined) {
  const at = port ?? (await freePort());
  return await serve("mad-api", ["--eio3", "on", ...heartbeat, ...more], at);
}
