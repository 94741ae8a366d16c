import { describe, expect, it } from "vitest";
import { createFormat } from "../../src/model/format";
import { ruleValue } from "../../src/model/rule_value";
import { createUnits } from "../../src/model/units";

const units = createUnits(createFormat("en-US"), "en-US");

describe("numbers of the detail pages", () => {
  it.each([
    [0, "0 B/s"],
    [999, "999 B/s"],
    [1000, "1 kB/s"],
    [102_400, "102 kB/s"],
    [1_250_000_000, "1.3 GB/s"],
    [5e15, "5,000 TB/s"],
  ])("%d bytes a second are %s", (value, said) => {
    expect(units.rate(value)).toBe(said);
  });

  it.each([
    ["cpu", 97.14, "97.1%"],
    ["psi_io", 20, "20.0%"],
    ["temp", 81.24, "81.2 °C"],
    ["network", 12.5, "12.50 Mbit/s"],
    ["clock", 7.5, "7.5 s"],
    ["load_per_cpu", 2, "2"],
    ["a-rule-of-theirs", 3.456, "3.46"],
  ])("what %s judges, %d, is %s", (what, value, said) => {
    expect(ruleValue(units, what, value)).toBe(said);
  });
});
