import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { MetricName } from "../../model/route";
import { type Curve, summaryOf, windowMs, type WindowName } from "../../model/series";
import type { Units } from "../../model/units";
import { words } from "../../words/host";
import { List } from "./list";
import { drawPlot, loadPlots, type Plot } from "./plot";

interface ChartProps {
  metric: MetricName;
  window: WindowName;
  curve: Curve;
  /** Wall clock of the node, ms. */
  now: number;
  units: Units;
  /** Old values: drawn faint. */
  dim: boolean;
  /** Of an agent whose units nobody knows: a percentage may be none. */
  unitless: boolean;
  /** How its numbers are written; those of old agents have no unit. */
  write: (value: number) => string;
}

const height = 150;

/** Ends of the scale of each metric: at least, and at most. */
const ends: Readonly<Record<MetricName, readonly [number, number | null]>> = {
  cpu: [100, 100],
  mem: [100, 100],
  storage: [100, 100],
  psi: [10, null],
  load: [1, null],
  network: [1, null],
};

/** Grows when the theme of the page becomes another one. */
function useTheme(): number {
  const [changes, setChanges] = useState(0);
  useEffect(() => {
    const changed = (): void => setChanges((count) => count + 1);
    const query = matchMedia("(prefers-color-scheme: dark)");
    query.addEventListener("change", changed);
    const forced = new MutationObserver(changed);
    forced.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    return () => {
      query.removeEventListener("change", changed);
      forced.disconnect();
    };
  }, []);
  return changes;
}

/** The curve of one metric: drawn, in words, and as a table. */
export function Chart({ metric, window, curve, now, units, dim, unitless, write }: ChartProps) {
  const place = useRef<HTMLDivElement>(null);
  const readout = useRef<HTMLSpanElement>(null);
  const plot = useRef<Plot | null>(null);
  const shown = useRef({ curve, pointed: null as number | null });
  const [failed, setFailed] = useState(false);
  const theme = useTheme();
  shown.current.curve = curve;
  const to = now / 1000;
  const from = to - windowMs[window] / 1000;

  /** The value under the crosshair, or the newest. It moves with the pointer: no repaint for it. */
  const read = (): void => {
    const { curve: of, pointed } = shown.current;
    const at = pointed ?? of.values.length - 1;
    const value = of.values[at] ?? null;
    const time = pointed === null ? "" : `${units.time((of.at[at] ?? 0) * 1000)}  `;
    if (readout.current) {
      readout.current.textContent = `${time}${value === null ? "–" : write(value)}`;
      readout.current.dataset["pointed"] = String(pointed !== null);
    }
  };

  useEffect(() => {
    let wanted = true;
    let sizes: ResizeObserver | undefined;
    const [floor, ceiling] = unitless ? ends.load : ends[metric];
    loadPlots().then(
      (library) => {
        const element = place.current;
        if (!wanted || !element) return;
        try {
          plot.current = drawPlot(library, element, {
            width: element.clientWidth,
            height,
            floor,
            ceiling,
            withMost: window === "6h",
            value: (value) => units.plain(value),
            hour: (ms) => units.hour(ms),
            pointed: (pointed) => {
              shown.current.pointed = pointed;
              read();
            },
          });
          plot.current.update(shown.current.curve, from, to);
          sizes = new ResizeObserver(() => plot.current?.resize(element.clientWidth));
          sizes.observe(element);
          setFailed(false);
        } catch {
          setFailed(true);
        }
      },
      () => wanted && setFailed(true),
    );
    return () => {
      wanted = false;
      sizes?.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [metric, window, theme, dim, unitless, units]);

  useLayoutEffect(() => {
    plot.current?.update(curve, from, to);
    read();
  }, [curve, from, to]);

  const summary = summaryOf(curve);
  const name = words.metric[metric];
  return (
    <figure class="chart" aria-label={name}>
      <figcaption>
        <h3>{name}</h3>
        <span class="readout" ref={readout} aria-hidden="true" />
      </figcaption>
      <div class="plot" ref={place} aria-hidden="true" />
      {failed && <p class="note">{words.chartFailed}</p>}
      <p class="summary">
        {summary === null
          ? words.noData
          : words.summary({
              window: words.windowLong[window],
              least: write(summary.least),
              mean: write(summary.mean),
              most: write(summary.most),
              gaps:
                summary.gaps === 0 ? "" : words.gaps(units.count(summary.gaps), summary.gaps === 1),
            })}
      </p>
      <DataTable name={name} window={window} curve={curve} units={units} write={write} />
    </figure>
  );
}

/** The points of a curve; the rows are only there while it is open. */
function DataTable(props: {
  name: string;
  window: WindowName;
  curve: Curve;
  units: Units;
  write: (value: number) => string;
}) {
  const { name, window, curve, units, write } = props;
  const [open, setOpen] = useState(false);
  const rows = open ? curve.at.map((at, place) => ({ at, place })).reverse() : [];
  const minutes = window === "6h";
  return (
    <details class="data" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {words.data}
        <span class="unseen"> {name}</span>
      </summary>
      {open && (
        <List
          label={words.dataOf(name)}
          head={[words.time, minutes ? words.mean : words.value, ...(minutes ? [words.most] : [])]}
          rows={rows.map(({ at, place }) => {
            const cell = (value: number | null | undefined): string =>
              value == null ? "–" : write(value);
            const value = cell(curve.values[place]);
            return [units.time(at * 1000), value, ...(minutes ? [cell(curve.most[place])] : [])];
          })}
        />
      )}
    </details>
  );
}
