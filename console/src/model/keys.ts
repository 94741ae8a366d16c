/** What a key outside of fields asks for. */
export type Command =
  | {
      readonly name: "search" | "help" | "palette" | "pause" | "view" | "fleet" | "rules" | "close";
    }
  | { readonly name: "state"; readonly state: "crit" | "warn" | "stale" | "offline" | null };

export interface Press {
  readonly key: string;
  readonly ctrl: boolean;
  /** Alt, or another key that gives others a meaning of their own. */
  readonly other: boolean;
  /** A field has the focus. */
  readonly typing: boolean;
}

/** The second key of two must follow within this, ms. */
export const pairMs = 1500;

const single: Readonly<Record<string, Command>> = {
  "/": { name: "search" },
  "?": { name: "help" },
  p: { name: "pause" },
  t: { name: "view" },
  Escape: { name: "close" },
};

const afterG: Readonly<Record<string, Command>> = {
  f: { name: "fleet" },
  r: { name: "rules" },
  a: { name: "state", state: null },
  c: { name: "state", state: "crit" },
  w: { name: "state", state: "warn" },
  s: { name: "state", state: "stale" },
  o: { name: "state", state: "offline" },
};

/** Keys to commands; `g` waits for a second key. */
export class Keys {
  private pairedUntil = Number.NEGATIVE_INFINITY;

  press({ key, ctrl, other, typing }: Press, now: number): Command | null {
    if (ctrl && key.toLowerCase() === "k") return { name: "palette" };
    if (ctrl || other || typing) return null;
    const table = now <= this.pairedUntil ? afterG : single;
    this.pairedUntil = key === "g" && table === single ? now + pairMs : Number.NEGATIVE_INFINITY;
    return Object.hasOwn(table, key) ? (table[key] ?? null) : null;
  }
}
