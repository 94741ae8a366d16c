import { beforeEach, describe, expect, it } from "vitest";
import { Announcer } from "../../src/model/announcer";

let announcer: Announcer;

beforeEach(() => {
  announcer = new Announcer();
});

describe("what is spoken", () => {
  it("is nothing when nothing changed", () => {
    expect(announcer.take(0)).toBeNull();
  });

  it("names a few hosts", () => {
    announcer.note("web-1", "ok", "stale");
    announcer.note("web-2", "ok", "stale");
    expect(announcer.take(0)).toBe("web-1, web-2 stale.");
  });

  it("counts many", () => {
    for (let i = 0; i < 4000; i += 1) announcer.note(`web-${i}`, "ok", "stale");
    expect(announcer.take(0)).toBe("4000 hosts stale.");
  });

  it("puts the worst first", () => {
    announcer.note("a", "stale", "ok");
    announcer.note("b", "gone", "ok");
    announcer.note("c", "ok", "gone");
    announcer.note("d", "ok", "stale");
    announcer.note("e", "warn", "crit");
    announcer.noteLink("back");
    expect(announcer.take(0)).toBe(
      "Connection is back. e critical. d stale. c left. b joined. a ok again.",
    );
  });

  it("comes at most each five seconds, together", () => {
    announcer.note("a", "ok", "stale");
    expect(announcer.take(1000)).toBe("a stale.");
    announcer.note("a", "stale", "ok");
    announcer.note("b", "ok", "gone");
    expect(announcer.take(5999)).toBeNull();
    expect(announcer.take(6000)).toBe("b left. a ok again.");
    expect(announcer.take(20_000)).toBeNull();
  });

  it("names a host once, by what it became last", () => {
    announcer.note("a", "ok", "stale");
    announcer.note("a", "stale", "offline");
    announcer.note("a", "offline", "gone");
    expect(announcer.take(0)).toBe("a left.");
  });

  it.each([
    ["ok", "gone"],
    ["gone", "ok"],
    ["warn", "crit"],
  ] as const)("is nothing when a host was %s, then %s, then as before", (first, then) => {
    announcer.note("a", first, then);
    announcer.note("a", then, first);
    expect(announcer.take(0)).toBeNull();
  });

  it("tells of a loss, and of its end, but not of one too short to tell", () => {
    announcer.noteLink("lost");
    expect(announcer.take(0)).toBe("Connection lost, values are not live.");
    announcer.noteLink("back");
    expect(announcer.take(5000)).toBe("Connection is back.");
    announcer.noteLink("lost");
    announcer.noteLink("back");
    expect(announcer.take(10_000)).toBeNull();
  });
});
