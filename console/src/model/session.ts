import { fields, number, shown } from "./judge";

export type Role = "agent" | "viewer" | "admin";

/** Who the node takes this page for. */
export interface Who {
  readonly name: string;
  readonly role: Role;
  /** Nobody was asked for a token. */
  readonly anonymous: boolean;
  /** Wall clock, ms; 0: never. */
  readonly expires: number;
}

/** What is wrong with the token that was shown. */
export type SignInProblem = "missing" | "wrong" | "expired" | "withdrawn" | "role" | "link";

const roles: readonly string[] = ["agent", "viewer", "admin"];

/** Judges the answer of `/api/v1/session`; `null` when it is none. */
export function readWho(value: unknown): Who | null {
  const { name, role, anonymous, expires } = fields(value);
  if (typeof role !== "string" || !roles.includes(role)) return null;
  const at = typeof expires === "string" ? Date.parse(expires) : number(expires, 1e14);
  return {
    name: shown(name, 64),
    role: role as Role,
    anonymous: anonymous === true,
    expires: at === null || Number.isNaN(at) ? 0 : at,
  };
}

/** Refusals that no other token would change. */
const otherMatters: readonly string[] = [
  "too_many_attempts",
  "may_not_write",
  "may_not_manage",
  "other_agent",
  "foreign_host",
  "foreign_origin",
];

/** What the node's word for a refusal means for the person; `null`: it is about something else. */
export function problemOf(
  code: string,
  shownToken: { readonly fromLink: boolean; readonly wasGood: boolean } | null,
): SignInProblem | null {
  if (otherMatters.includes(code)) return null;
  if (shownToken === null) return "missing";
  if (code === "may_not_read") return "role";
  if (shownToken.fromLink) return "link";
  if (code === "token_expired") return "expired";
  return shownToken.wasGood ? "withdrawn" : "wrong";
}
