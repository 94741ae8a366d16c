// A describe block with a server of its own.

import { after, before, describe } from "node:test";
import { serve } from "./launch.mjs";

/** A server for peers of both revisions. */
export const both = ["--eio3", "on"];

/** Settings under which no ping comes in the way. */
export const calm = ["--ping-interval", "25s", "--ping-timeout", "20s", "--max-payload", "1000000"];

/** The heartbeat rows' times in ms: short, but no machine stalls for so long that a ping is answered
 * too late; 500 ms were seen to be too little. */
export const INTERVAL = 300;
export const TIMEOUT = 2000;

export const brisk = [
  ...["--ping-interval", `${INTERVAL}ms`, "--ping-timeout", `${TIMEOUT}ms`],
  ...["--max-payload", "1000000"],
];

/**
 * `describe` with a conformance-server started before and ended after its rows; a server that
 * died on the way fails the suite. `body` gets an object that has the server's host and port
 * once rows run.
 */
export function withServer(title, { flags = calm, name = "conformance-server", ...options }, body) {
  describe(title, options, () => {
    const server = {};
    before(async () => Object.assign(server, await serve(name, flags)));
    after(() => server.stop?.());
    body(server);
  });
}
