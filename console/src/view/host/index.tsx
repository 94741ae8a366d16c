import { useEffect, useMemo, useState } from "preact/hooks";
import { fleetPlace, hostPlace, type MetricName } from "../../model/route";
import { safeText } from "../../model/safe";
import { type WindowName, windowNames } from "../../model/series";
import { createUnits, type Units } from "../../model/units";
import "../../style/host.css";
import { text } from "../../text";
import { words } from "../../words/host";
import type { HostPartProps } from "../part";
import { Shape } from "../shape";
import { type HostState, stateNames } from "../../model/host";
import { ruleValue } from "../../model/rule_value";
import { Chart } from "./chart";
import { Header } from "./header";
import { HostView, rawText, type Turn } from "./host_view";
import { List } from "./list";
import { Panels } from "./panels";
import { type Standing, standingOf } from "./standing";

const charted: readonly MetricName[] = ["cpu", "mem", "load", "psi", "storage", "network"];
const oldCharted: readonly MetricName[] = ["storage", "network"];

/** Charts move on at least this often, though nothing comes. */
const chartEveryMs = 5000;

/** Everything about one host. */
export default function HostPage({ app, id, format, repaint }: HostPartProps) {
  const units = useMemo(() => createUnits(format), [format]);
  const view = useMemo(() => new HostView(id, app.rest, repaint), [id]);
  useEffect(() => {
    const end = app.watch(id, view);
    if (app.config !== null) void view.ask();
    return end;
  }, [view]);
  const standing = standingOf(app, id);
  view.follow(standing.row);
  useKeys(app, standing);

  const { sample } = view;
  const { row } = standing;
  const now = view.series.nodeTime(Date.now());
  if (row === null && sample === null) {
    const live = !app.cutOff || view.unknown;
    return (
      <article class="host-page">
        <Header app={app} id={id} standing={standing} view={view} units={units} now={now} />
        <div class="empty" role="status">
          <h3>{live ? words.unknownTitle : words.waiting}</h3>
          {live && <p>{words.unknownHelp(safeText(id))}</p>}
        </div>
      </article>
    );
  }
  const dim = app.cutOff || row === null || row.state === "offline" || row.state === "gone";
  return (
    <article class="host-page" data-dim={dim}>
      <Header app={app} id={id} standing={standing} view={view} units={units} now={now} />
      {sample?.modern === false && <p class="note">{words.old}</p>}
      <Charts view={view} units={units} old={sample?.modern === false} dim={dim} now={now} />
      {sample === null ? (
        <p class="note">{words.waiting}</p>
      ) : (
        <Panels sample={sample} identity={view.identity} id={safeText(id, 256)} units={units} />
      )}
      <Log turns={view.turns} units={units} />
      <Raw record={view.raw} />
      <p class="note keys">{words.keys}</p>
    </article>
  );
}

/** Esc leads back to the table, arrows to the hosts before and after. */
function useKeys(app: HostPartProps["app"], standing: Standing): void {
  const { before, after } = standing;
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      if (event.defaultPrevented) return;
      const { target } = event;
      const busy =
        target instanceof Element &&
        target.closest("input, textarea, select, dialog, [role=dialog], .scroll") !== null;
      if (busy) return;
      const to = event.key === "ArrowLeft" ? before : event.key === "ArrowRight" ? after : null;
      if (event.key === "Escape") app.go(fleetPlace);
      else if (to !== null) app.go(hostPlace(to));
      else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [app, before, after]);
}

/** The curves of what histories keep, all over the same time and with one crosshair. */
function Charts(props: { view: HostView; units: Units; old: boolean; dim: boolean; now: number }) {
  const { view, units, old, dim } = props;
  const [window, setWindow] = useState<WindowName>("15m");
  // One time for all charts, which moves in steps: a repaint for something else draws nothing.
  const now = Math.ceil(props.now / chartEveryMs) * chartEveryMs;
  const metrics = old ? oldCharted : charted;
  const curves = useMemo(
    () => metrics.map((metric) => view.series.curve(metric, window, Date.now())),
    [view, view.series.rev, window, metrics, now],
  );
  return (
    <section class="charts" aria-label={words.charts}>
      <fieldset class="windows">
        <legend class="unseen">{words.window}</legend>
        {windowNames.map((name) => (
          <button
            key={name}
            type="button"
            aria-pressed={name === window}
            onClick={() => setWindow(name)}
          >
            {words.windows[name]}
          </button>
        ))}
        {view.hasHistory === false && <span class="note">{words.noHistory}</span>}
      </fieldset>
      <div class="curves">
        {metrics.map((metric, at) => {
          const curve = curves[at];
          return (
            curve && (
              <Chart
                key={metric}
                metric={metric}
                window={window}
                curve={curve}
                now={now}
                units={units}
                dim={dim}
                unitless={old}
                write={(value) => (old ? units.plain(value) : units.metric(metric, value))}
              />
            )
          );
        })}
      </div>
    </section>
  );
}

/** What states the host was in. */
function Log({ turns, units }: { turns: readonly Turn[]; units: Units }) {
  return (
    <section class="panel log">
      <h3>{words.log}</h3>
      {turns.length === 0 ? (
        <p class="note">{words.logEmpty}</p>
      ) : (
        <List
          label={words.log}
          head={[words.time, words.from, words.to, words.why]}
          rows={turns.map((turn) => [
            turn.at > 0 ? units.time(turn.at) : "–",
            <State of={turn.from} />,
            <State of={turn.to} />,
            whyOf(turn, units),
          ])}
        />
      )}
    </section>
  );
}

function whyOf({ rule, value, limit }: Turn, units: Units): string {
  if (rule === "") return "";
  if (value === null || limit === null) return words.verdictBare(rule);
  return words.verdict(rule, ruleValue(units, rule, value), ruleValue(units, rule, limit));
}

function isHostState(value: string): value is HostState {
  return (stateNames as readonly string[]).includes(value);
}

function State({ of }: { of: string }) {
  if (!isHostState(of)) return <>{of === "" ? words.unknownState : of}</>;
  return (
    <span class="state">
      <Shape of={of} /> {text.state[of]}
    </span>
  );
}

/** The newest record as it came; its text is made while it is open. */
function Raw({ record }: { record: unknown }) {
  const [open, setOpen] = useState(false);
  return (
    <details class="raw" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{words.raw}</summary>
      {open && (
        <pre tabIndex={0} role="region" aria-label={words.raw}>
          {record === null ? words.rawNone : rawText(record)}
        </pre>
      )}
    </details>
  );
}
