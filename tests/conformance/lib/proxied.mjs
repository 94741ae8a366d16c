// mad-proxy before nodes, as an operator runs it: with an admin interface of its own.

import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serve } from "./launch.mjs";
import { until } from "./wait.mjs";

/** Asks an admin interface on a unix socket: {status, body}, the body read as JSON where it is. */
export function askAdmin(socketPath, path, method = "GET") {
  return new Promise((done, fail) => {
    const asked = request(
      { socketPath, path, method, headers: { Host: "localhost" } },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (part) => (text += part));
        answer.on("error", fail).on("end", () => {
          const isJson = /json/.test(answer.headers["content-type"] ?? "");
          done({ status: answer.statusCode, body: isJson ? JSON.parse(text) : text });
        });
      },
    );
    asked.setTimeout(10_000, () =>
      asked.destroy(new Error(`the admin interface is silent: ${path}`)),
    );
    asked.on("error", fail).end();
  });
}

/** What `--upstream` wants to hear of nodes; they are called node0, node1… */
export const upstreams = (nodes) =>
  nodes.flatMap(({ url }, i) => ["--upstream", `node${i}=${url}`]);

/**
 * Starts mad-proxy before `nodes` ({url}). Gives {url, host, port, program, stop, admin(path,
 * method), state(name), ready()}.
 */
export async function startProxy(nodes, more = [], port = 0) {
  const folder = mkdtempSync(join(tmpdir(), "mad-proxy-"));
  const socket = join(folder, "admin");
  try {
    const flags = ["--admin", `unix:${socket}`, ...upstreams(nodes), ...more];
    const proxy = await serve("mad-proxy", flags, port);
    const admin = (path, method) => askAdmin(socket, path, method);
    const state = async (name) => (await admin(`/upstreams/${name}`)).body;
    const stop = async () => {
      try {
        await proxy.stop();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    };
    /** Until all of them take new sessions. */
    const ready = () =>
      until(async () => {
        const all = await Promise.all(nodes.map((_, i) => state(`node${i}`)));
        return all.every((one) => one.share > 0);
      }, "all nodes up");
    return { ...proxy, folder, admin, state, ready, stop };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}
