// The native programs, started as a user starts them and stopped by their pid.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));

/** Folder of the native programs. */
export const binaries =
  process.env.MAD_BIN ?? process.env.MAD_BIN_DIR ?? join(root, "build", "dev", "bin");

/** Folder of the built console. */
export const consoleBuild = process.env.MAD_CONSOLE_DIR ?? join(root, "console", "dist");

const browserNames = ["chromium", "chromium-browser", "google-chrome"];

/** The browser's path, or `undefined` when this machine has none. */
export function findBrowser() {
  if (process.env.MAD_CHROMIUM) return process.env.MAD_CHROMIUM;
  const folders = (process.env.PATH ?? "").split(":").filter((folder) => folder !== "");
  return browserNames
    .flatMap((name) => folders.map((folder) => join(folder, name)))
    .find((path) => existsSync(path));
}

/** What is missing before anything can be tested, in words, or `undefined`. */
export function missing() {
  const programs = ["mad-api", "mad-agent", "mad-proxy", "mad-web"];
  const paths = programs.map((name) => join(binaries, name));
  const absent = paths.find((path) => !existsSync(path));
  if (absent !== undefined) return `${absent} is not built (MAD_BIN names the folder)`;
  if (!existsSync(join(consoleBuild, "index.html"))) return `${consoleBuild} has no built console`;
  return undefined;
}

/** A port that was free a moment ago. */
export function freePort() {
  return new Promise((done, fail) => {
    const probe = createServer().once("error", fail);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });
}

const running = new Set();

/** One running program. `url` is what its ready line said. */
export class Program {
  #child;
  #ended;
  #log = [];

  constructor(name, child) {
    this.name = name;
    this.url = undefined;
    this.#child = child;
    this.#ended = new Promise((done) => {
      child.once("close", (code, signal) => {
        running.delete(this);
        done(signal ?? code);
      });
    });
    createInterface({ input: child.stderr }).on("line", (line) => {
      this.#log.push(line);
      if (this.#log.length > 40) this.#log.shift();
    });
  }

  get log() {
    return this.#log.join("\n");
  }

  /** Sends a signal and gives the exit code, or the signal's name when it died of it. */
  async stop(signal = "SIGTERM", seconds = 15) {
    if (running.has(this)) this.#child.kill(signal);
    const end = await Promise.race([
      this.#ended,
      new Promise((done) => setTimeout(done, seconds * 1000, "late").unref()),
    ]);
    if (end !== "late") return end;
    this.#child.kill("SIGKILL");
    await this.#ended;
    throw new Error(`${this.name} did not end within ${seconds} s of ${signal}\n${this.log}`);
  }
}

/** Starts a program and waits for its ready line. */
export function start(name, args, seconds = 15) {
  const child = spawn(join(binaries, name), args, { stdio: ["ignore", "pipe", "pipe"] });
  const program = new Program(name, child);
  running.add(program);
  return new Promise((done, fail) => {
    const stop = (why) => {
      clearTimeout(timer);
      fail(new Error(`${name} ${args.join(" ")}: ${why}\n${program.log}`));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      stop(`not ready within ${seconds} s`);
    }, seconds * 1000);
    child.once("error", (error) => stop(error.message));
    child.once("close", (code) => stop(`ended with ${code} before it was ready`));
    createInterface({ input: child.stdout }).on("line", (line) => {
      // Programs are `ready NAME URL` (agents have no URL); examples say it as a person would.
      const said = /^(?:ready \S+|listening on)(?: (http\S+))?$/.exec(line);
      if (!said) return;
      clearTimeout(timer);
      program.url = said[1];
      done(program);
    });
  });
}

/** `mad up` on a free port: what it said when all was ready is its `said`, later lines its `more`. */
export function up(args, seconds = 40) {
  const inVenv = join(root, ".venv", "bin", "python");
  const python = process.env.MAD_PYTHON ?? (existsSync(inVenv) ? inVenv : "python3");
  const child = spawn(python, ["-m", "mad", "up", "--listen", "0", "--json", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PYTHONPATH: process.env.PYTHONPATH ?? join(root, "python"),
      MAD_BIN_DIR: binaries,
      MAD_CONSOLE_DIR: consoleBuild,
    },
  });
  const program = new Program("mad up", child);
  program.more = [];
  running.add(program);
  return new Promise((done, fail) => {
    const stop = (why) => {
      clearTimeout(timer);
      fail(new Error(`mad up ${args.join(" ")}: ${why}\n${program.log}`));
    };
    const timer = setTimeout(() => {
      child.kill("SIGKILL");
      stop(`not ready within ${seconds} s`);
    }, seconds * 1000);
    child.once("error", (error) => stop(error.message));
    child.once("close", (code) => stop(`ended with ${code} before it was ready`));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const event = JSON.parse(line);
      if (program.said !== undefined) {
        program.more.push(event);
        return;
      }
      if (event.event !== "ready") {
        stop(line);
        return;
      }
      clearTimeout(timer);
      program.url = event.console;
      program.said = event;
      done(program);
    });
  });
}

/** Ends what a failed test left running. */
export async function stopAll() {
  await Promise.allSettled([...running].map((program) => program.stop("SIGKILL")));
}
