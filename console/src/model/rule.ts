import { exact, fields, list, number, shown } from "./judge";

/** A rule as the node tells it. */
export interface Rule {
  readonly name: string;
  readonly metric: string;
  /** Low values are the bad ones. */
  readonly below: boolean;
  readonly warn: number | null;
  readonly crit: number | null;
  /** Seconds that a value must be over a limit. */
  readonly hold: number;
  readonly clearBy: number | null;
  readonly ownLimit: number | null;
  /** A search, as it came; empty: all hosts. */
  readonly match: string;
  readonly enabled: boolean;
  /** `preset`, `file` or `override`. */
  readonly source: string;
}

export interface Mute {
  readonly id: string;
  readonly match: string;
  /** Wall clock, ms; `null`: open. */
  readonly from: number | null;
  readonly until: number | null;
  readonly weekly: readonly string[];
  readonly reason: string;
}

const far = 1e15;

/** The list under `name` in an answer, or the answer when it is a list itself. */
function listOf(answer: unknown, name: string): readonly unknown[] {
  return list(Array.isArray(answer) ? answer : fields(answer)[name], 1000);
}

export function readRules(answer: unknown): readonly Rule[] {
  return listOf(answer, "rules")
    .map((value) => {
      const rule = fields(value);
      return {
        name: exact(rule.name, 64),
        metric: exact(rule.metric, 64),
        below: rule.below === true,
        warn: number(rule.warn, far, -far),
        crit: number(rule.crit, far, -far),
        hold: number(rule.for, 1e6) ?? 0,
        clearBy: number(rule.clear_by, far),
        ownLimit: number(rule.own_limit, far),
        match: exact(rule.match, 4096),
        enabled: rule.enabled !== false,
        source: exact(rule.source, 16),
      };
    })
    .filter(({ name }) => name !== "");
}

export function readMutes(answer: unknown): readonly Mute[] {
  return listOf(answer, "mutes")
    .map((value) => {
      const mute = fields(value);
      return {
        id: exact(mute.id, 128),
        match: exact(mute.match, 4096),
        from: number(mute.from, far),
        until: number(mute.until, far),
        weekly: list(mute.weekly, 16).map((window) => shown(window, 64)),
        reason: shown(mute.reason, 500),
      };
    })
    .filter(({ id }) => id !== "");
}

/** What the operator wrote into the form of a rule, as text. */
export interface RuleDraft {
  readonly warn: string;
  readonly crit: string;
  readonly hold: string;
  readonly clearBy: string;
  readonly enabled: boolean;
}

export type DraftProblem =
  | { readonly kind: "number"; readonly field: "warn" | "crit" | "hold" | "clearBy" }
  | { readonly kind: "levels" }
  | { readonly kind: "none" };

function text(value: number | null): string {
  return value === null ? "" : String(value);
}

export function draftOf(rule: Rule): RuleDraft {
  const { warn, crit, hold, clearBy, enabled } = rule;
  return {
    warn: text(warn),
    crit: text(crit),
    hold: text(hold),
    clearBy: text(clearBy),
    enabled,
  };
}

/** The body that changes a rule so, or what is wrong with the draft. */
export function bodyOf(
  rule: Rule,
  draft: RuleDraft,
): { readonly body: Readonly<Record<string, unknown>> } | { readonly problem: DraftProblem } {
  const read: Partial<Record<"warn" | "crit" | "hold" | "clearBy", number>> = {};
  for (const field of ["warn", "crit", "hold", "clearBy"] as const) {
    const written = draft[field].trim().replace(",", ".");
    if (written === "") continue;
    const value = Number(written);
    const tooLow = (field === "hold" || field === "clearBy") && value < 0;
    if (!Number.isFinite(value) || tooLow) return { problem: { kind: "number", field } };
    read[field] = value;
  }
  const { warn, crit } = read;
  if (warn === undefined && crit === undefined) return { problem: { kind: "none" } };
  if (warn !== undefined && crit !== undefined && (rule.below ? crit > warn : crit < warn)) {
    return { problem: { kind: "levels" } };
  }
  return {
    body: {
      metric: rule.metric,
      below: rule.below,
      ...(warn === undefined ? {} : { warn }),
      ...(crit === undefined ? {} : { crit }),
      for: read.hold ?? 0,
      ...(read.clearBy === undefined ? {} : { clear_by: read.clearBy }),
      ...(rule.ownLimit === null ? {} : { own_limit: rule.ownLimit }),
      match: rule.match,
      enabled: draft.enabled,
    },
  };
}
