import { beforeEach, describe, expect, it } from "vitest";
import { dataEveryMs, type Frames, Painter } from "../src/painter";
import { Clock } from "./support";

class FakeFrames implements Frames {
  readonly clock = new Clock();
  frames: (() => void)[] = [];
  delays: { run: () => void; ms: number }[] = [];
  request = (run: () => void): void => {
    this.frames.push(run);
  };
  delay = (run: () => void, ms: number): void => {
    this.delays.push({ run, ms });
  };
  now = this.clock.now;

  frame(): void {
    for (const run of this.frames.splice(0)) run();
  }

  wait(): void {
    for (const { run, ms } of this.delays.splice(0)) {
      this.clock.forward(ms);
      run();
    }
  }
}

let frames: FakeFrames;
let paints: number;
let painter: Painter;

beforeEach(() => {
  frames = new FakeFrames();
  paints = 0;
  painter = new Painter(() => {
    paints += 1;
  }, frames);
});

describe("repaints", () => {
  it("are one a frame, however many were asked for", () => {
    for (let i = 0; i < 1000; i += 1) {
      painter.data();
      painter.soon();
    }
    expect(paints).toBe(0);
    frames.frame();
    expect(paints).toBe(1);
    expect(frames.frames).toHaveLength(0);
  });

  it("for data wait until the last one was seen", () => {
    painter.data();
    frames.frame();
    frames.clock.forward(50);
    painter.data();
    painter.data();
    expect(frames.delays.map(({ ms }) => ms)).toEqual([dataEveryMs - 50]);
    frames.wait();
    frames.frame();
    expect(paints).toBe(2);
  });

  it("for data are at once after a quiet time", () => {
    painter.data();
    frames.frame();
    frames.clock.forward(dataEveryMs);
    painter.data();
    expect(frames.frames).toHaveLength(1);
  });

  it("for the operator do not wait for data", () => {
    painter.data();
    frames.frame();
    painter.data();
    painter.soon();
    frames.frame();
    expect(paints).toBe(2);
  });

  it("that were asked for while painting come in the next frame", () => {
    const again = new Painter(() => {
      paints += 1;
      if (paints === 1) again.soon();
    }, frames);
    again.soon();
    frames.frame();
    expect(paints).toBe(1);
    frames.frame();
    expect(paints).toBe(2);
  });
});
