import { describe, expect, it } from "vitest";
import {
  type ConnectionEvent,
  connectionAfter,
  initialConnection,
  isCutOff,
} from "../../src/model/connection";

const reached = (...events: ConnectionEvent[]) => events.reduce(connectionAfter, initialConnection);

const snapshot = (now: number): ConnectionEvent => ({ type: "snapshot", now });
const data = (now: number): ConnectionEvent => ({ type: "data", now });

describe("the connection", () => {
  it.each([
    ["starts by reading settings", [], "starting"],
    ["says when settings cannot be read", [{ type: "unconfigured" }], "unconfigured"],
    [
      "goes on when they can after all",
      [{ type: "unconfigured" }, { type: "configured" }],
      "connecting",
    ],
    [
      "is not live before the list is there",
      [{ type: "configured" }, { type: "connected" }],
      "syncing",
    ],
    ["is live with the list", [{ type: "connected" }, snapshot(1)], "live"],
    ["is not live with a single update", [{ type: "connected" }, data(1)], "syncing"],
    [
      "is not live again with a single update",
      [snapshot(1), { type: "lost" }, { type: "connected" }, data(2)],
      "syncing",
    ],
    [
      "that never stood is connecting, not reconnecting",
      [{ type: "configured" }, { type: "lost" }],
      "connecting",
    ],
    [
      "that was lost reconnects",
      [{ type: "connected" }, snapshot(1), { type: "lost" }],
      "reconnecting",
    ],
    [
      "that is back reads the fleet first",
      [snapshot(1), { type: "lost" }, { type: "connected" }],
      "syncing",
    ],
    [
      "that is back and has the list is live",
      [snapshot(1), { type: "lost" }, { type: "connected" }, snapshot(2)],
      "live",
    ],
    ["may be refused", [{ type: "configured" }, { type: "refused", reason: "no" }], "refused"],
  ] as [string, ConnectionEvent[], string][])("%s", (_name, events, phase) => {
    expect(reached(...events).phase).toBe(phase);
  });

  it("remembers the moment of its newest data through a loss", () => {
    expect(reached(snapshot(5), data(9), { type: "lost" }).dataAt).toBe(9);
  });

  it("shows a refusal's reason short and escaped, until it stands again", () => {
    const refused = reached({ type: "refused", reason: `no\u202E${"x".repeat(500)}` });
    expect(refused.reason).toBe(`no\\u{202e}${"x".repeat(117)}…`);
    expect(connectionAfter(refused, { type: "connected" }).reason).toBeNull();
  });

  it("is cut off in every phase but live", () => {
    expect(isCutOff(reached())).toBe(true);
    expect(isCutOff(reached(snapshot(1), { type: "lost" }, { type: "connected" }))).toBe(true);
    expect(isCutOff(reached(snapshot(1)))).toBe(false);
  });
});
