import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type Flag, flagNames, type HostState } from "../../src/model/host";
import {
  askState,
  isProblem,
  parseSearch,
  type Subject,
  stateAsked,
  termFor,
} from "../../src/model/search";

interface Host extends Record<string, unknown> {
  id: string;
  name: string;
  region: string;
  os: string;
  tags: string[];
  state: HostState;
  flags: Flag[];
}

interface Cases {
  hosts: Host[];
  matches: { search: string; ids: string[] }[];
  errors: { search: string; at: number; error: string }[];
}

const place = new URL("../../../tests/data/search/cases.json", import.meta.url);
const cases = JSON.parse(readFileSync(place, "utf8")) as Cases;

const subject = (host: Host): Subject => ({
  ...host,
  flags: host.flags.reduce((sum, flag) => sum | (1 << flagNames.indexOf(flag)), 0),
  // As the store has it: single precision, but for times.
  number: (of) =>
    typeof host[of] !== "number" ? Number.NaN : of === "up" ? host[of] : Math.fround(host[of]),
});

describe("a search", () => {
  it.each(cases.matches)("$search finds $ids", ({ search, ids }) => {
    const found = parseSearch(search);
    if (isProblem(found)) throw new Error(found.error);
    expect(cases.hosts.filter((host) => found.matches(subject(host))).map(({ id }) => id)).toEqual(
      ids,
    );
  });

  it.each(cases.errors)("$search is wrong: $error at $at", ({ search, at, error }) => {
    expect(parseSearch(search)).toEqual({ at, error });
  });

  it("without an end is too long", () => {
    expect(parseSearch("x".repeat(1025))).toMatchObject({ error: "too_long" });
  });

  it("with many stars takes no time", () => {
    const found = parseSearch(`${"a*".repeat(500)}b`);
    if (isProblem(found)) throw new Error(found.error);
    const host = { ...(cases.hosts[0] as Host), id: "a".repeat(1024), name: "" };
    expect(found.matches(subject(host))).toBe(false);
  });

  it.each([
    ["web", false, false],
    ["state:ok", false, true],
    ["-flag:dup cpu>5", true, true],
    ["up<1h", true, false],
  ])("%s says what decides", (text, live, turns) => {
    expect(parseSearch(text)).toMatchObject({ live, turns });
  });
});

describe("a state in a search", () => {
  it.each([
    ["", "crit", "state:crit"],
    ["web  tag:x", "ok", "web  tag:x state:ok"],
    ["state:ok web", "crit", "web state:crit"],
    ["state:ok web", null, "web"],
    ["-state:ok", "crit", "-state:ok state:crit"],
  ])("%s with %s is %s", (text, state, expected) => {
    expect(askState(text, state)).toBe(expected);
    expect(stateAsked(expected)).toBe(state);
  });
});

describe("a tag as a term", () => {
  it.each(["prod", "role:web", "a,b", "50%*", 'say "x"', "-x", "role:two words", "a:b:c"])(
    "%s finds hosts with it",
    (tag) => {
      const found = parseSearch(termFor(tag));
      if (isProblem(found)) throw new Error(found.error);
      const host = cases.hosts[0] as Host;
      expect(found.matches(subject({ ...host, tags: ["x", tag] }))).toBe(true);
      expect(found.matches(subject({ ...host, tags: ["x", `${tag}y`] }))).toBe(false);
    },
  );
});
