import { safeText } from "./safe";

/**
 * Where the page stands with the server:
 * starting → (unconfigured →) connecting → syncing → live → reconnecting → syncing → live …
 * `refused` is a server that said no; it is asked again, slowly.
 */
export type Phase =
  "starting" | "unconfigured" | "connecting" | "syncing" | "live" | "reconnecting" | "refused";

export interface Connection {
  readonly phase: Phase;
  /** What the server gave as its reason to refuse; fit to be shown. */
  readonly reason: string | null;
  /** Page's monotonic clock, ms, of the newest data; `null` before the first. */
  readonly dataAt: number | null;
}

export type ConnectionEvent =
  | { readonly type: "unconfigured" }
  | { readonly type: "configured" }
  | { readonly type: "connected" }
  | { readonly type: "snapshot"; readonly now: number }
  | { readonly type: "data"; readonly now: number }
  /** What was missed came: the rows that are known are the truth again. */
  | { readonly type: "resumed"; readonly now: number }
  | { readonly type: "lost" }
  | { readonly type: "refused"; readonly reason: string };

export const initialConnection: Connection = { phase: "starting", reason: null, dataAt: null };

export function connectionAfter(last: Connection, event: ConnectionEvent): Connection {
  switch (event.type) {
    case "unconfigured":
      return { ...last, phase: "unconfigured" };
    case "configured":
      return { ...last, phase: "connecting" };
    case "connected":
      return { ...last, phase: "syncing", reason: null };
    case "snapshot":
      return { phase: "live", reason: null, dataAt: event.now };
    case "data":
      // Before the list, a single update says little: the rest of the page is still old.
      return last.phase === "live" ? { ...last, dataAt: event.now } : last;
    case "resumed":
      return { phase: "live", reason: null, dataAt: event.now };
    case "lost":
      // A page that never had data has nothing to come back to.
      return { ...last, phase: last.dataAt === null ? "connecting" : "reconnecting" };
    case "refused":
      return { ...last, phase: "refused", reason: safeText(event.reason, 120) };
  }
}

/** True when rows on the page may no longer be the truth. */
export function isCutOff(connection: Connection): boolean {
  return connection.phase !== "live";
}
