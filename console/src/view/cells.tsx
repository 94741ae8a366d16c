import type { ComponentChildren } from "preact";
import type { App } from "../app";
import { isSilent } from "../model/arrangement";
import type { Slot } from "../model/fleet";
import { flagsOf } from "../model/host";
import { type Format, seenText } from "../model/format";
import {
  type ColumnName,
  formatRoute,
  hostPlace,
  type MetricName,
  metricNames,
} from "../model/route";
import { safeText } from "../model/safe";
import { text } from "../text";
import { Shape } from "./shape";
import { Spark } from "./spark";

const tagLength = 24;
const tagsShown = 6;
export const syntheticTag = "synthetic";

export function NoValue() {
  return (
    <>
      <span class="dash" aria-hidden="true">
        {text.dash}
      </span>
      <span class="unseen">{text.noValue}</span>
    </>
  );
}

function Percent({ value, format }: { value: number; format: Format }) {
  if (Number.isNaN(value)) return <NoValue />;
  const part = Math.min(value, 100) / 100;
  return (
    <>
      <span class="meter" aria-hidden="true">
        <span class="fill" style={{ transform: `scaleX(${part.toFixed(3)})` }} />
      </span>
      <span class="value">{format.percent(value)}</span>
    </>
  );
}

/** A number of an old agent: shown as it came, since nobody knows its unit. */
function Plain({ value, format }: { value: number; format: Format }) {
  return Number.isNaN(value) ? <NoValue /> : <span class="value">{format.plain(value)}</span>;
}

function Network({ value, format }: { value: number; format: Format }) {
  if (Number.isNaN(value)) return <NoValue />;
  const { value: number, unit } = format.megabits(value);
  return (
    <>
      <span class="value">{number}</span> <span class="unit">{unit}</span>
    </>
  );
}

/** Why a host is in its state, in words; empty when it is ok. */
export function verdictText(app: App, slot: Slot, format: Format): string {
  const { rule, value, limit, since } = app.fleet.verdict(slot);
  if (rule === "") return "";
  const number = (of: number): string => (Number.isNaN(of) ? text.noValue : format.plain(of));
  return text.verdict(
    safeText(rule),
    number(value),
    number(limit),
    since === 0 ? "" : format.moment(since),
  );
}

/** The rule that a host breaks is about this metric. */
export function isAccused(app: App, slot: Slot, column: ColumnName): boolean {
  const { rule } = app.fleet.verdict(slot);
  return rule !== "" && (rule === column || rule.startsWith(`${column}_`));
}

/** The age of a host's newest sample; a node of the second version vouches for those in time. */
export function seenOf(app: App, slot: Slot, format: Format): string {
  const { fleet } = app;
  if (app.vouched && !isSilent(fleet.state(slot))) return text.now;
  return seenText(format, app.age(fleet.seenAt(slot)), fleet.intervalMs(slot));
}

/** True when one of the columns shows what the rule is about. */
function hasColumn(rule: string): boolean {
  return metricNames.some((name) => rule === name || rule.startsWith(`${name}_`));
}

function Name({ app, slot, format }: { app: App; slot: Slot; format: Format }) {
  const { fleet } = app;
  const { rule } = fleet.verdict(slot);
  const id = fleet.id(slot);
  const label = fleet.label(slot);
  const { name, tags } = fleet.factsOf(slot);
  return (
    <>
      <a
        class="host"
        href={formatRoute({ ...app.route, place: hostPlace(id) })}
        tabIndex={-1}
        title={name === "" ? label.long : `${label.long}\n${safeText(name)}`}
        onClick={(event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
          event.preventDefault();
          app.openHost(slot);
        }}
      >
        <bdi>{label.short}</bdi>
      </a>
      {name !== "" && !`${name}.`.startsWith(`${id}.`) && <bdi class="alias">{safeText(name)}</bdi>}
      {rule !== "" && !hasColumn(rule) && (
        <span class="badge" data-flag={fleet.state(slot)} title={verdictText(app, slot, format)}>
          {safeText(rule, tagLength)}
        </span>
      )}
      {flagsOf(fleet.flags[slot] ?? 0).map((flag) => (
        <span key={flag} class="badge" data-flag={flag} title={text.flagHelp[flag]}>
          {text.flag[flag]}
        </span>
      ))}
      {tags.includes(syntheticTag) && (
        <span class="badge" data-flag={syntheticTag} title={text.syntheticHelp}>
          {text.synthetic}
        </span>
      )}
    </>
  );
}

function Tags({ tags }: { tags: readonly string[] }) {
  const shown = tags.filter((tag) => tag !== syntheticTag);
  if (shown.length === 0) return <NoValue />;
  return (
    <span class="tag-list" title={shown.map((tag) => safeText(tag)).join("  ")}>
      {shown.slice(0, tagsShown).map((tag) => (
        <bdi key={tag} class="tag">
          {safeText(tag, tagLength)}
        </bdi>
      ))}
    </span>
  );
}

/** The content of one cell; all text of peers goes into text nodes and plain attributes. */
export function cellContent(
  key: ColumnName,
  app: App,
  slot: Slot,
  seen: string,
  format: Format,
): ComponentChildren {
  const { fleet } = app;
  const metric = (name: MetricName): number => fleet.metric(slot, name);
  switch (key) {
    case "state": {
      const state = fleet.state(slot);
      return (
        <span class="state-word" title={verdictText(app, slot, format) || undefined}>
          <Shape of={state} />
          <span class="word">{text.state[state]}</span>
        </span>
      );
    }
    case "name":
      return <Name app={app} slot={slot} format={format} />;
    case "tags":
      return <Tags tags={fleet.factsOf(slot).tags} />;
    case "region": {
      const { region } = fleet.factsOf(slot);
      return region === "" ? <NoValue /> : <bdi class="ellipsis">{safeText(region)}</bdi>;
    }
    case "storage":
      return fleet.isModern(slot) ? (
        <Percent value={metric(key)} format={format} />
      ) : (
        <Plain value={metric(key)} format={format} />
      );
    case "network":
      return fleet.isModern(slot) ? (
        <Network value={metric(key)} format={format} />
      ) : (
        <Plain value={metric(key)} format={format} />
      );
    case "cpu":
    case "mem":
      return <Percent value={metric(key)} format={format} />;
    case "psi":
      return Number.isNaN(metric(key)) ? (
        <NoValue />
      ) : (
        <span class="value">{format.percent(metric(key))}</span>
      );
    case "load":
      return Number.isNaN(metric(key)) ? (
        <NoValue />
      ) : (
        <span class="value">{format.load(metric(key))}</span>
      );
    case "up": {
      const up = fleet.up[slot] ?? Number.NaN;
      return Number.isNaN(up) ? <NoValue /> : <span class="value">{format.duration(up)}</span>;
    }
    case "seen":
      return <span class="value">{seen}</span>;
    case "spark":
      return <Spark curve={app.curve(slot)} metric={app.query.metric} />;
  }
}
