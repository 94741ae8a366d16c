// Starts the programs under test and ends them; nothing outlives its test file.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { within } from "./wait.mjs";

const here = resolve(dirname(fileURLToPath(import.meta.url)), "..");
const root = resolve(here, "../..");
const bin = resolve(root, process.env.MAD_BIN ?? "build/dev/bin");

export const programs = {
  "conformance-server": process.env.MAD_CONFORMANCE_SERVER ?? join(bin, "conformance-server"),
  "golden-server": process.env.MAD_GOLDEN_SERVER ?? join(bin, "golden-server"),
  "conformance-client": process.env.MAD_CONFORMANCE_CLIENT ?? join(bin, "conformance-client"),
  "reference-client": join(here, "reference/client.mjs"),
  "client-peer": join(here, "reference/client-peer.mjs"),
  "cluster-node": join(here, "reference/cluster-node.mjs"),
  "mad-api": join(bin, "mad-api"),
  "mad-proxy": process.env.MAD_PROXY ?? join(bin, "mad-proxy"),
  "legacy-agent": join(here, "legacy/agent.mjs"),
  "legacy-console": join(here, "legacy/console.mjs"),
  "legacy-node": join(here, "legacy/node.mjs"),
  "example-client": join(bin, "example_client_of_node"),
  "example-shop": join(root, "examples/client_of_node/server.js"),
  "python-client": join(here, "lib/python_client.py"),
};

const python = process.env.MAD_CONFORMANCE_PYTHON ?? join(root, ".venv/bin/python");
const interpreters = { ".mjs": process.execPath, ".js": process.execPath, ".py": python };

/** True when the server under test is the reference implementation, not mad. */
export function isReference(name = "conformance-server") {
  return programs[name].endsWith(".mjs");
}

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

/** Starts a program by its name, without waiting for anything. */
export function start(name, args, environment = {}) {
  const path = resolve(root, programs[name]);
  if (!existsSync(path)) throw new Error(`${name} is not built: no ${programs[name]}`);
  const interpreter = interpreters[extname(path)];
  const [file, argv] = interpreter ? [interpreter, [path, ...args]] : [path, args];
  const child = spawn(file, argv, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  running.add(child);
  child.once("close", () => running.delete(child));
  const program = { name, child, lines: [], errors: "", exit: undefined };
  child.stdin.on("error", () => {}); // it may be gone already
  child.stderr.setEncoding("utf8").on("data", (text) => {
    program.errors = (program.errors + text).slice(-4000);
  });
  program.exited = new Promise((done) => {
    child.once("error", (error) => done((program.exit = error.message)));
    child.once("close", (code, signal) => done((program.exit = signal ?? code)));
  });
  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (text) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop();
    for (const line of parts) {
      program.lines.push(line);
      child.emit("line", line);
    }
  });
  return program;
}

/** The first line for which `match` gives something; an exit before it is an error. */
export function lineOf(program, match, what, ms) {
  const seen = new Promise((done, fail) => {
    const look = (line) => {
      const found = match(line);
      if (found) done(found);
    };
    program.lines.forEach(look);
    program.child.on("line", look);
    program.exited.then((code) =>
      fail(new Error(`${program.name} ended with ${code} before ${what}:\n${program.errors}`)),
    );
  });
  return within(seen, `${what} of ${program.name}`, ms);
}

/**
 * Starts a server on `port` (0: one that is free) and waits for its `ready` line. Gives
 * {url, host, port, command, stop}; `stop` fails when the server had died by itself or does not
 * end with 0 on SIGTERM.
 */
export async function serve(name, args = [], port = 0) {
  const program = start(name, ["--listen", String(port), ...args]);
  try {
    const [, url, host, port] = await lineOf(
      program,
      (line) => /^ready \S+ (http:\/\/(\S+):(\d+))$/.exec(line),
      "ready line",
      10_000,
    );
    return {
      url,
      host,
      port: Number(port),
      program,
      command: (line) => command(program, line),
      stop: () => stop(program),
    };
  } catch (error) {
    program.child.kill("SIGKILL");
    throw error;
  }
}

async function command(program, line) {
  program.child.stdin.write(`${line}\n`);
  await lineOf(program, (said) => said === `done ${line}`, `"done ${line}"`);
}

async function stop(program) {
  const { child, name } = program;
  if (program.exit !== undefined) {
    throw new Error(`${name} died during the tests (${program.exit}):\n${program.errors}`);
  }
  child.kill("SIGTERM");
  try {
    await within(program.exited, `end of ${name} after SIGTERM`, 10_000);
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
  if (program.exit !== 0) {
    throw new Error(`${name} ended with ${program.exit} on SIGTERM:\n${program.errors}`);
  }
}
