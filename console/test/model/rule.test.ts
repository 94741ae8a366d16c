import { describe, expect, it } from "vitest";
import { bodyOf, draftOf, readMutes, readRules, type Rule } from "../../src/model/rule";

const cpu = {
  name: "cpu",
  metric: "cpu",
  below: false,
  warn: 85,
  crit: 95,
  for: 60,
  match: "tag:prod",
  enabled: true,
  source: "file",
};

const rule = (more: object = {}): Rule => {
  const [read] = readRules({ rules: [{ ...cpu, ...more }] });
  if (read === undefined) throw new Error("no rule");
  return read;
};

describe("the rules of a node", () => {
  it("are read, those without a name are not", () => {
    const rules = readRules({ rules: [cpu, {}, null, 7, { name: "x" }] });
    expect(rules.map(({ name }) => name)).toEqual(["cpu", "x"]);
    expect(rules[0]).toMatchObject({ warn: 85, crit: 95, hold: 60, match: "tag:prod" });
    expect(rules[1]).toMatchObject({ warn: null, crit: null, hold: 0, enabled: true });
  });

  it.each([null, 7, {}, { rules: "x" }])("%j are none", (answer) => {
    expect(readRules(answer)).toEqual([]);
    expect(readMutes(answer)).toEqual([]);
  });
});

describe("what an operator writes", () => {
  it("unchanged gives the rule as it was", () => {
    expect(bodyOf(rule(), draftOf(rule()))).toEqual({
      body: {
        metric: "cpu",
        below: false,
        warn: 85,
        crit: 95,
        for: 60,
        match: "tag:prod",
        enabled: true,
      },
    });
  });

  it("may have a comma, spaces, and no warning", () => {
    const draft = { ...draftOf(rule()), warn: " ", crit: " 97,5 ", clearBy: "2" };
    expect(bodyOf(rule(), draft)).toMatchObject({ body: { crit: 97.5, clear_by: 2 } });
  });

  it.each([
    [{ warn: "x" }, { kind: "number", field: "warn" }],
    [{ crit: "1e999" }, { kind: "number", field: "crit" }],
    [{ hold: "-1" }, { kind: "number", field: "hold" }],
    [{ clearBy: "-2" }, { kind: "number", field: "clearBy" }],
    [{ warn: "", crit: "" }, { kind: "none" }],
    [{ warn: "96" }, { kind: "levels" }],
  ])("%j is told what is wrong", (change, problem) => {
    expect(bodyOf(rule(), { ...draftOf(rule()), ...change })).toEqual({ problem });
  });

  it("is worse downwards where low values are bad", () => {
    const low = rule({ below: true, warn: 10, crit: 5 });
    expect(bodyOf(low, draftOf(low))).toHaveProperty("body");
    expect(bodyOf(low, { ...draftOf(low), crit: "20" })).toEqual({ problem: { kind: "levels" } });
  });
});
