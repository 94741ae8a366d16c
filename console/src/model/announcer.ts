import { text } from "../text";
import type { ChangeKind } from "./fleet";

/** Spoken at most this often; what happens in between is told together. */
export const announceEveryMs = 5000;
const namesAtMost = 3;

const opposite: Readonly<Record<ChangeKind, ChangeKind>> = {
  stale: "ok",
  ok: "stale",
  joined: "left",
  left: "joined",
};

/** The worst first. */
const order = ["stale", "left", "joined", "ok"] as const;

/** Gathers changes of state and gives one short sentence for them, never values. */
export class Announcer {
  private readonly changes = new Map<string, ChangeKind>();
  private link: "lost" | "back" | null = null;
  private spokenAt = Number.NEGATIVE_INFINITY;

  /** A change that undoes one that was not yet told leaves nothing to tell. */
  note(kind: ChangeKind, name: string): void {
    if (this.changes.get(name) === opposite[kind]) this.changes.delete(name);
    else this.changes.set(name, kind);
  }

  noteLink(link: "lost" | "back"): void {
    this.link = link === "back" && this.link === "lost" ? null : link;
  }

  /** The sentence due now, or `null`. */
  take(now: number): string | null {
    if (now - this.spokenAt < announceEveryMs) return null;
    const parts: string[] = this.link === null ? [] : [text.announce[this.link]];
    for (const kind of order) {
      const names = [...this.changes].filter(([, is]) => is === kind).map(([name]) => name);
      if (names.length > 0) parts.push(this.sentence(kind, names));
    }
    if (parts.length === 0) return null;
    this.changes.clear();
    this.link = null;
    this.spokenAt = now;
    return parts.join(" ");
  }

  private sentence(kind: ChangeKind, names: readonly string[]): string {
    const what = text.announce[kind];
    return names.length <= namesAtMost
      ? text.announce.named(names.join(", "), what)
      : text.announce.many(String(names.length), what);
  }
}
