import { text } from "../text";
import type { HostState } from "./host";

/** Spoken at most this often; what happens in between is told together. */
export const announceEveryMs = 5000;
const namesAtMost = 3;

/** What became of a host. */
type Turn = Exclude<HostState, "gone"> | "joined" | "left";

/** The worst first. */
const order = ["crit", "offline", "stale", "warn", "left", "joined", "ok"] as const;

function turnOf(from: HostState, to: HostState): Turn {
  if (to === "gone") return "left";
  return from === "gone" ? "joined" : to;
}

/** Gathers changes of state and gives one short sentence for them, never values. */
export class Announcer {
  private readonly changes = new Map<string, { from: HostState; to: HostState }>();
  private link: "lost" | "back" | null = null;
  private spokenAt = Number.NEGATIVE_INFINITY;

  /** A change that undoes what was not yet told leaves nothing to tell. `gone`: not there. */
  note(name: string, from: HostState, to: HostState): void {
    const before = this.changes.get(name)?.from ?? from;
    if (before === to) this.changes.delete(name);
    else this.changes.set(name, { from: before, to });
  }

  noteLink(link: "lost" | "back"): void {
    this.link = link === "back" && this.link === "lost" ? null : link;
  }

  /** The sentence due now, or `null`. */
  take(now: number): string | null {
    if (now - this.spokenAt < announceEveryMs) return null;
    const parts: string[] = this.link === null ? [] : [text.announce[this.link]];
    const turns = [...this.changes].map(([name, { from, to }]) => ({ name, is: turnOf(from, to) }));
    for (const turn of order) {
      const names = turns.filter(({ is }) => is === turn).map(({ name }) => name);
      if (names.length > 0) parts.push(this.sentence(turn, names));
    }
    if (parts.length === 0) return null;
    this.changes.clear();
    this.link = null;
    this.spokenAt = now;
    return parts.join(" ");
  }

  private sentence(turn: Turn, names: readonly string[]): string {
    const what = text.announce[turn];
    return names.length <= namesAtMost
      ? text.announce.named(names.join(", "), what)
      : text.announce.many(String(names.length), what);
  }
}
