import { curvePoints, isOpen } from "../model/curves";
import type { MetricName } from "../model/route";

const height = 20;

/** The path of a small curve; a gap in what is known is a gap in the line. */
export function sparkPath(curve: Float32Array, metric: MetricName): string {
  const most = isOpen(metric)
    ? curve.reduce((max, value) => (value > max ? value : max), 0.01) * 1.1
    : 100;
  let path = "";
  let pen = "M";
  for (let x = 0; x < curve.length; x += 1) {
    const value = curve[x] ?? Number.NaN;
    if (Number.isNaN(value)) {
      pen = "M";
      continue;
    }
    const y = height - 1 - Math.min(value / most, 1) * (height - 2);
    path += `${pen}${x * 2} ${y.toFixed(1)}`;
    // A single known point is drawn as a dot.
    if (pen === "M" && Number.isNaN(curve[x + 1] ?? Number.NaN)) path += "h.01";
    pen = "L";
  }
  return path;
}

export function Spark({ curve, metric }: { curve: Float32Array; metric: MetricName }) {
  return (
    <svg
      class="spark-line"
      viewBox={`0 0 ${(curvePoints - 1) * 2} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <path d={sparkPath(curve, metric)} />
    </svg>
  );
}
