import { describe, expect, it } from "vitest";
import { createFormat, seenText } from "../../src/model/format";

const english = createFormat("en-US");
const german = createFormat("de-DE");

describe("numbers", () => {
  it("have the digits that line up in a column", () => {
    expect(english.percent(7)).toBe("7.0%");
    expect(english.percent(100)).toBe("100.0%");
    expect(english.load(0.4)).toBe("0.40");
    expect(english.megabits(1.844)).toEqual({ value: "1.84", unit: "Mbit/s" });
    expect(english.megabits(240.56)).toEqual({ value: "240.6", unit: "Mbit/s" });
    expect(english.megabits(12_345.6)).toEqual({ value: "12.35", unit: "Gbit/s" });
  });

  it("are written as the reader's locale does", () => {
    expect(german.percent(12.3)).toBe("12,3\u00a0%");
    expect(german.count(10_000)).toBe("10.000");
    expect(german.load(1.5)).toBe("1,50");
  });

  it("of unknown unit are shown as they came", () => {
    expect(english.plain(37.4)).toBe("37.4");
    expect(english.plain(61)).toBe("61");
  });

  it.each([
    [512 * 2 ** 20, "512", "MiB"],
    [16_777_216_000, "15.6", "GiB"],
    [4 * 2 ** 30, "4", "GiB"],
    [512 * 2 ** 30, "512", "GiB"],
    [1.5 * 2 ** 40, "1.5", "TiB"],
    [0, "0", "B"],
  ])("of %d bytes are %s %s", (bytes, value, unit) => {
    expect(english.bytes(bytes)).toEqual({ value, unit });
  });
});

it("bytes are counted in thousands on demand", () => {
  expect(createFormat("en-US", "decimal").bytes(16_777_216_000)).toEqual({
    value: "16.8",
    unit: "GB",
  });
});

describe("durations", () => {
  it.each([
    [0, "0s"],
    [59, "59s"],
    [3600, "1h"],
    [3_725, "1h 2m"],
    [864_213, "10d"],
    [90_000, "1d 1h"],
  ])("of %d s are %s", (seconds, expected) => {
    expect(english.duration(seconds)).toBe(expected);
  });
});

describe("ages", () => {
  it.each([
    [0, "0s ago"],
    [12_999, "12s ago"],
    [89_999, "89s ago"],
    [90_000, "1m ago"],
    [3_600_000, "60m ago"],
    [2 * 3_600_000, "2h ago"],
    [50 * 3_600_000, "2d ago"],
    [-5, "0s ago"],
  ])("of %d ms are %s", (ms, expected) => {
    // Browsers and Node differ in whether a space stands before the unit.
    expect(english.ago(ms).replace(/\s|in\./g, "")).toBe(expected.replace(/\s/g, ""));
  });

  it("of a host that reports in time do not flicker", () => {
    expect(seenText(english, 0, 1000)).toBe("now");
    expect(seenText(english, 2999, 1000)).toBe("now");
    expect(seenText(english, 3000, 1000)).not.toBe("now");
    expect(seenText(english, 3700, 2500)).toBe("now");
    expect(seenText(english, 80_000, 60_000)).toBe("now");
  });
});
