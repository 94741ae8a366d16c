// A Redis of our own, in a folder of its own, that ends with the test file.

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./free_port.mjs";
import { until } from "./wait.mjs";

const binary = process.env.MAD_REDIS_SERVER ?? "redis-server";

/** Why there is none; undefined when there is one. */
export const noRedis = spawnSync(binary, ["--version"]).error
  ? "redis-server is not installed (apt-get install redis-server)"
  : undefined;

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

function answers(port) {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.end();
      done(true);
    }).on("error", () => done(false));
  });
}

/** Starts one. Gives {url, port, stop}. */
export async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), "mad-redis-"));
  const port = await freePort();
  const child = spawn(
    binary,
    ["--port", port, "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--appendonly", "no"],
    { stdio: "ignore" },
  );
  running.add(child);
  const ended = new Promise((done) => child.once("close", done));
  await until(() => answers(port), "redis-server listening");
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    stop: async () => {
      child.kill("SIGTERM");
      await ended;
      running.delete(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
