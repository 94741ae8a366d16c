import type uPlot from "uplot";
import type { Curve } from "../../model/series";

/** How a chart looks and what it says of its numbers. */
export interface PlotSettings {
  readonly width: number;
  readonly height: number;
  /** Upper end that the scale has at least. */
  readonly floor: number;
  /** The scale ends there whatever is measured; `null`: with what is measured. */
  readonly ceiling: number | null;
  /** A second line for the highest of each minute. */
  readonly withMost: boolean;
  readonly value: (value: number) => string;
  readonly hour: (ms: number) => string;
  /** The crosshair is over a point of the curve, or over none. */
  readonly pointed: (at: number | null) => void;
}

/** A chart that is drawn. */
export interface Plot {
  update(curve: Curve, from: number, to: number): void;
  resize(width: number): void;
  destroy(): void;
}

/** All charts of the page share the crosshair by this name. */
const crosshair = "host";

let loading: Promise<typeof uPlot> | undefined;

/** The library, loaded with the first chart. */
export function loadPlots(): Promise<typeof uPlot> {
  loading ??= import("uplot").then((module) => module.default);
  loading.catch(() => {
    loading = undefined; // the next chart tries again
  });
  return loading;
}

/** Points that stand alone between gaps: a line does not show them. */
function lonely(values: ArrayLike<number | null | undefined>): number[] {
  const alone: number[] = [];
  for (let at = 0; at < values.length; at += 1) {
    if (values[at] != null && values[at - 1] == null && values[at + 1] == null) alone.push(at);
  }
  return alone;
}

/** Draws into `element` with the colours of the page's theme. */
export function drawPlot(Library: typeof uPlot, element: HTMLElement, set: PlotSettings): Plot {
  const styles = getComputedStyle(element);
  const colour = (name: string): string => styles.getPropertyValue(name).trim();
  const font = `11px ${colour("--font") || "sans-serif"}`;
  const grid = { stroke: colour("--line"), width: 1 };
  const common = { stroke: colour("--muted"), font, grid, ticks: { show: false }, gap: 6 };
  const accent = colour("--accent");
  let range: [number, number] = [0, 1];

  const line = (stroke: string, width: number, fill: string): uPlot.Series => ({
    stroke,
    width,
    fill,
    spanGaps: false,
    points: { size: 5, fill: stroke, filter: (self, series) => lonely(self.data[series] ?? []) },
  });
  const chart = new Library(
    {
      width: set.width,
      height: set.height,
      legend: { show: false },
      cursor: {
        y: false,
        drag: { x: false, y: false, setScale: false },
        sync: { key: crosshair, setSeries: false },
        points: { size: 7 },
      },
      scales: {
        x: { time: true, range: () => range },
        y: {
          range: (_, __, most) => {
            const top = Number.isFinite(most) ? Math.max(most * 1.08, set.floor) : set.floor;
            return [0, set.ceiling === null ? top : Math.max(set.ceiling, most)];
          },
        },
      },
      axes: [
        {
          ...common,
          size: 22,
          space: 72,
          values: (_, splits) => splits.map((at) => set.hour(at * 1000)),
        },
        {
          ...common,
          size: 46,
          space: 34,
          values: (_, splits) => splits.map((value) => set.value(value)),
        },
      ],
      series: [
        {},
        line(accent, 1.5, /^#[\da-f]{6}$/i.test(accent) ? `${accent}22` : "transparent"),
        ...(set.withMost ? [line(colour("--faint"), 1, "transparent")] : []),
      ],
      hooks: { setCursor: [(self) => set.pointed(self.cursor.idx ?? null)] },
    },
    [[], [], ...(set.withMost ? [[]] : [])],
    element,
  );
  return {
    update: (curve, from, to) => {
      range = [from, to];
      const data: (readonly (number | null)[])[] = [curve.at, curve.values];
      if (set.withMost) data.push(curve.most);
      chart.setData(data as unknown as uPlot.AlignedData);
    },
    resize: (width) => chart.setSize({ width, height: set.height }),
    destroy: () => chart.destroy(),
  };
}
