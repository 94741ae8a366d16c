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
    announcer.note("stale", "web-1");
    announcer.note("stale", "web-2");
    expect(announcer.take(0)).toBe("web-1, web-2 stale.");
  });

  it("counts many", () => {
    for (let i = 0; i < 4000; i += 1) announcer.note("stale", `web-${i}`);
    expect(announcer.take(0)).toBe("4000 hosts stale.");
  });

  it("puts the worst first", () => {
    announcer.note("ok", "a");
    announcer.note("joined", "b");
    announcer.note("left", "c");
    announcer.note("stale", "d");
    announcer.noteLink("back");
    expect(announcer.take(0)).toBe("Connection is back. d stale. c left. b joined. a ok again.");
  });

  it("comes at most each five seconds, together", () => {
    announcer.note("stale", "a");
    expect(announcer.take(1000)).toBe("a stale.");
    announcer.note("ok", "a");
    announcer.note("left", "b");
    expect(announcer.take(5999)).toBeNull();
    expect(announcer.take(6000)).toBe("b left. a ok again.");
    expect(announcer.take(20_000)).toBeNull();
  });

  it("names a host once, by what it became last", () => {
    announcer.note("stale", "a");
    announcer.note("stale", "a");
    announcer.note("left", "a");
    expect(announcer.take(0)).toBe("a left.");
  });

  it.each([
    ["left", "joined"],
    ["joined", "left"],
    ["stale", "ok"],
  ] as const)("is nothing when a host %s and then %s before it was told", (first, then) => {
    announcer.note(first, "a");
    announcer.note(then, "a");
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
