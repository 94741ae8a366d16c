/** Values are repainted at most this often: each is still read by eyes. */
export const dataEveryMs = 200;

export interface Frames {
  request(run: () => void): void;
  delay(run: () => void, ms: number): void;
  now(): number;
}

export const browserFrames: Frames = {
  request: (run) => requestAnimationFrame(run),
  delay: (run, ms) => {
    setTimeout(run, ms);
  },
  now: () => performance.now(),
};

/**
 * Gathers the wish to repaint, from wherever it comes, into one call a frame. New data may wait a
 * moment for more; what a hand did (`soon`) is drawn in the next frame.
 */
export class Painter {
  private framed = false;
  private delayed = false;
  private paintedAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly paint: () => void,
    private readonly frames: Frames = browserFrames,
  ) {}

  data(): void {
    if (this.framed || this.delayed) return;
    const wait = this.paintedAt + dataEveryMs - this.frames.now();
    if (wait <= 0) {
      this.soon();
      return;
    }
    this.delayed = true;
    this.frames.delay(() => {
      this.delayed = false;
      this.soon();
    }, wait);
  }

  soon(): void {
    if (this.framed) return;
    this.framed = true;
    this.frames.request(() => {
      this.framed = false;
      this.paintedAt = this.frames.now();
      this.paint();
    });
  }
}
