import { beforeEach, describe, expect, it } from "vitest";
import { Keys, pairMs } from "../../src/model/keys";

let keys: Keys;

beforeEach(() => {
  keys = new Keys();
});

const plain = { ctrl: false, other: false, typing: false };

describe("keys", () => {
  it.each([
    ["/", "search"],
    ["?", "help"],
    ["p", "pause"],
    ["t", "view"],
    ["Escape", "close"],
  ])("%s asks for %s", (key, name) => {
    expect(keys.press({ ...plain, key }, 0)).toEqual({ name });
  });

  it("in a field are letters, but for the palette", () => {
    expect(keys.press({ ...plain, typing: true, key: "p" }, 0)).toBeNull();
    expect(keys.press({ ...plain, typing: true, ctrl: true, key: "k" }, 0)).toEqual({
      name: "palette",
    });
  });

  it("with others are the browser's", () => {
    expect(keys.press({ ...plain, ctrl: true, key: "p" }, 0)).toBeNull();
    expect(keys.press({ ...plain, other: true, key: "p" }, 0)).toBeNull();
  });

  it("come in pairs after g, for a while", () => {
    keys.press({ ...plain, key: "g" }, 0);
    expect(keys.press({ ...plain, key: "c" }, 10)).toEqual({ name: "state", state: "crit" });
    expect(keys.press({ ...plain, key: "c" }, 20)).toBeNull();
    keys.press({ ...plain, key: "g" }, 100);
    expect(keys.press({ ...plain, key: "r" }, 101 + pairMs)).toBeNull();
    keys.press({ ...plain, key: "g" }, 5000);
    expect(keys.press({ ...plain, key: "toString" }, 5001)).toBeNull();
  });
});
