import { type MetricName, metricNames } from "./route";

/** Points of a small curve, and the time from one to the next: four minutes in all. */
export const curvePoints = 48;
export const curveStepMs = 5000;

const unknown = 0xffff;
const most = 0xfffe;

/** Percents in hundredths; what has no upper end by its logarithm, to a thousandth. */
function pack(metric: MetricName, value: number): number {
  if (!(value >= 0)) return unknown;
  const scaled = isOpen(metric) ? Math.log2(1 + value * 1000) * 1000 : value * 100;
  return Math.min(Math.round(scaled), most);
}

function unpack(metric: MetricName, packed: number): number {
  if (packed === unknown) return Number.NaN;
  return isOpen(metric) ? (2 ** (packed / 1000) - 1) / 1000 : packed / 100;
}

/** True for metrics without an upper end. */
export function isOpen(metric: MetricName): boolean {
  return metric === "network" || metric === "load";
}

/**
 * What the page saw of each host, in rings of 16 bits: about 600 bytes a host. A write costs
 * the same however many hosts there are.
 */
export class Curves {
  private rings = new Uint16Array(0);
  private newest = new Float64Array(0);
  private first = new Float64Array(0);

  /** Makes room for `hosts` slots. */
  grow(hosts: number): void {
    this.rings = copy(new Uint16Array(hosts * curvePoints * metricNames.length), this.rings);
    this.newest = copy(new Float64Array(hosts), this.newest);
    this.first = copy(new Float64Array(hosts), this.first);
  }

  /** A slot has another host from now on. */
  clear(slot: number): void {
    this.newest[slot] = Number.NaN;
  }

  /** A sample of a host: the newest of its time stays. Time in between holds what was. */
  note(slot: number, now: number, metrics: readonly Float32Array[]): void {
    const step = Math.floor(now / curveStepMs);
    const last = this.newest[slot] ?? Number.NaN;
    if (Number.isNaN(last)) this.first[slot] = step;
    else this.hold(slot, last, step);
    this.newest[slot] = step;
    for (let at = 0; at < metricNames.length; at += 1) {
      const name = metricNames[at] ?? "cpu";
      this.rings[this.place(slot, at, step)] = pack(name, metrics[at]?.[slot] ?? Number.NaN);
    }
  }

  /**
   * The curve of a metric up to `now`, oldest first; NaN where nothing is known. `alive`: a host of
   * which no sample came is as it was; one that is silent has nothing after its last sample.
   */
  read(slot: number, metric: MetricName, now: number, alive = true): Float32Array {
    const curve = new Float32Array(curvePoints).fill(Number.NaN);
    const last = this.newest[slot] ?? Number.NaN;
    if (Number.isNaN(last)) return curve;
    const at = metricNames.indexOf(metric);
    const end = Math.floor(now / curveStepMs);
    const begin = Math.max(this.first[slot] ?? 0, end - curvePoints + 1, last - curvePoints + 1);
    for (let step = begin; step <= (alive ? end : Math.min(end, last)); step += 1) {
      const packed = this.rings[this.place(slot, at, Math.min(step, last))] ?? unknown;
      curve[step - end + curvePoints - 1] = unpack(metric, packed);
    }
    return curve;
  }

  private hold(slot: number, last: number, step: number): void {
    for (let at = 0; at < metricNames.length; at += 1) {
      const held = this.rings[this.place(slot, at, last)] ?? unknown;
      for (let to = Math.max(last + 1, step - curvePoints + 1); to < step; to += 1) {
        this.rings[this.place(slot, at, to)] = held;
      }
    }
  }

  private place(slot: number, metric: number, step: number): number {
    return (slot * metricNames.length + metric) * curvePoints + (step % curvePoints);
  }
}

function copy<Numbers extends { set(from: Numbers): void }>(to: Numbers, from: Numbers): Numbers {
  to.set(from);
  return to;
}
