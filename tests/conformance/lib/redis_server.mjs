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
const asked = spawnSync(binary, ["--version"], { encoding: "utf8" });
export const noRedis = asked.error
  ? "redis-server is not installed (apt-get install redis-server)"
  : undefined;

/** Why that adapter cannot be had; undefined when it can. */
export function noRedisFor(adapter) {
  const [, version, major] = /v=((\d+)[\d.]*)/.exec(asked.stdout ?? "") ?? [];
  if (!noRedis && adapter === "sharded" && major < 7)
    return `sharded channels need Redis 7, and this is ${version}`;
  return noRedis;
}

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

/** Starts one, on a port that is free or on that one. Gives {url, port, stop, signal}. */
export async function startRedis(wanted) {
  const folder = mkdtempSync(join(tmpdir(), "mad-redis-"));
  const port = wanted ?? (await freePort());
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
    signal: (name) => child.kill(name),
    stop: async () => {
      child.kill("SIGCONT");
      child.kill("SIGTERM");
      await ended;
      running.delete(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
