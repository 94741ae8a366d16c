import type { ComponentChildren } from "preact";
import type { Identity, Sample } from "../../model/sample";
import type { Units } from "../../model/units";
import { words } from "../../words/host";
import { List } from "./list";

interface PanelProps {
  sample: Sample;
  units: Units;
}

type Maybe = number | null;

const dash = "–";

function write(value: Maybe, as: (value: number) => string): string {
  return value === null ? dash : as(value);
}

function Panel(props: { title: string; wide?: boolean; children: ComponentChildren }) {
  return (
    <section class="panel" data-wide={props.wide ?? false}>
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}

/** Names and values; those that are not known are left out. */
function Facts({ rows }: { rows: readonly (readonly [string, ComponentChildren])[] }) {
  const known = rows.filter(([, value]) => value !== dash && value !== "" && value !== null);
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Meter({ value }: { value: Maybe }) {
  const part = Math.min(Math.max(value ?? 0, 0), 100) / 100;
  return (
    <span class="meter" aria-hidden="true">
      <span class="fill" style={{ transform: `scaleX(${part.toFixed(3)})` }} />
    </span>
  );
}

function moreOf(count: number, units: Units): string | null {
  return count === 0 ? null : words.more(units.count(count));
}

/** Bars of the processors, by number; many of them are shown by their busiest. */
function Cores({ sample, units }: PanelProps) {
  const { cores, coreSummary } = sample;
  const bars =
    coreSummary === null
      ? cores.map((pct, core) => ({ core, pct }))
      : coreSummary.top.map(({ core, pct }) => ({ core, pct: pct }));
  if (bars.length === 0) return null;
  return (
    <>
      {coreSummary !== null && (
        <Facts
          rows={[
            [words.coreSummary(units.count(coreSummary.count)), ""],
            [words.min, write(coreSummary.min, units.percent)],
            [words.mean, write(coreSummary.mean, units.percent)],
            [words.max, write(coreSummary.max, units.percent)],
          ]}
        />
      )}
      <ul class="cores" aria-label={words.cores} data-many={bars.length > 16}>
        {bars.map(({ core, pct }) => {
          const name = words.core(units.count(core));
          const value = write(pct, (of) => units.count(Math.round(of)));
          return (
            <li key={core} title={`${name}: ${value}`}>
              <span class="bar" aria-hidden="true">
                <span
                  class="fill"
                  style={{ transform: `scaleY(${(Math.min(pct ?? 0, 100) / 100).toFixed(2)})` }}
                />
              </span>
              <span class="unseen">{name}: </span>
              <span class="value">{value}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function Processor({ sample, units }: PanelProps) {
  const { cpu, load, tasks, metrics } = sample;
  const loads = load.some((value) => value !== null)
    ? load.map((value) => write(value, units.plain)).join("  ")
    : dash;
  const total = tasks.total === null ? dash : units.count(tasks.total);
  const waits = (tasks.blocked ?? 0) > 0 ? words.blocked(units.count(tasks.blocked ?? 0)) : "";
  if (metrics.cpu === null && loads === dash) return null;
  return (
    <Panel title={words.cpu}>
      <Cores sample={sample} units={units} />
      <Facts
        rows={[
          [words.user, write(cpu.user, units.percent)],
          [words.system, write(cpu.system, units.percent)],
          [words.waitingDisks, write(cpu.waiting, units.percent)],
          [words.stolen, write(cpu.stolen, units.percent)],
          [words.throttled, write(cpu.throttled, units.percent)],
          [words.usable, write(cpu.usable, units.plain)],
          [words.load, loads],
          [
            words.tasks,
            tasks.running === null
              ? dash
              : `${words.tasksOf(units.count(tasks.running), total)}${waits}`,
          ],
        ]}
      />
    </Panel>
  );
}

function Memory({ sample, units }: PanelProps) {
  const { total, available, swapTotal, swapUsed } = sample.memory;
  if (total === null) return null;
  const used = available === null ? null : Math.max(0, total - available);
  const swap =
    swapTotal === 0
      ? words.noSwap
      : swapTotal === null || swapUsed === null
        ? dash
        : words.of(units.bytes(swapUsed), units.bytes(swapTotal));
  return (
    <Panel title={words.memory}>
      <Meter value={sample.metrics.mem} />
      <Facts
        rows={[
          [words.used, used === null ? dash : words.of(units.bytes(used), units.bytes(total))],
          [words.available, write(available, units.bytes)],
          [words.swap, swap],
        ]}
      />
    </Panel>
  );
}

function PressureTable({ sample, units }: PanelProps) {
  if (sample.pressure.length === 0) return null;
  const pair = (now: Maybe, minute: Maybe): ComponentChildren => (
    <>
      {write(now, units.percent)}
      {minute !== null && <span class="later"> {units.percent(minute)}</span>}
    </>
  );
  return (
    <Panel title={words.pressure}>
      <p class="note">{words.pressureHelp}</p>
      <List
        label={words.pressure}
        head={["", words.some, words.full]}
        rows={sample.pressure.map((of) => [
          words.resource[of.of],
          pair(of.some, of.some60),
          pair(of.full, of.full60),
        ])}
      />
    </Panel>
  );
}

function Mounts({ sample, units }: PanelProps) {
  if (sample.mounts.length === 0) return null;
  return (
    <Panel title={words.mounts} wide>
      <List
        label={words.mounts}
        head={[words.mount, words.type, words.usedPart, words.free, words.size, words.inodes]}
        more={moreOf(sample.moreMounts, units)}
        rows={sample.mounts.map((mount) => [
          <>
            <bdi class="path">{mount.at}</bdi>
            {mount.readOnly && <span class="badge">{words.readOnly}</span>}
            {mount.network && <span class="badge">{words.overNetwork}</span>}
            {mount.stuck && <span class="badge bad">{words.stuck}</span>}
          </>,
          <bdi>{mount.type}</bdi>,
          <span class="metered">
            <Meter value={mount.pct} /> {write(mount.pct, units.percent)}
          </span>,
          write(mount.available, units.bytes),
          write(mount.size, units.bytes),
          write(mount.inodes, units.percent),
        ])}
      />
    </Panel>
  );
}

function Disks({ sample, units }: PanelProps) {
  const { io } = sample;
  if (io === null) return null;
  const waits =
    io.readWaitMs === null && io.writeWaitMs === null
      ? dash
      : `${write(io.readWaitMs, units.milliseconds)}, ${write(io.writeWaitMs, units.milliseconds)}`;
  return (
    <Panel title={words.io}>
      <Facts
        rows={[
          [words.read, write(io.read, units.rate)],
          [words.written, write(io.written, units.rate)],
          [
            words.ops,
            io.reads === null && io.writes === null
              ? dash
              : words.operations(write(io.reads, units.plain), write(io.writes, units.plain)),
          ],
          [words.util, write(io.util, units.percent)],
          [words.queue, write(io.queue, units.plain)],
          [words.wait, waits],
        ]}
      />
    </Panel>
  );
}

function Interfaces({ sample, units }: PanelProps) {
  const { network, interfaces } = sample;
  if (network === null && interfaces.length === 0) return null;
  const all = network === null || interfaces.length < 2 ? [] : [network];
  const bad =
    network === null || (network.errors === null && network.dropped === null)
      ? dash
      : `${write(network.errors, units.plain)}, ${write(network.dropped, units.plain)}`;
  return (
    <Panel title={words.interfaces}>
      <List
        label={words.interfaces}
        head={[words.name, words.received, words.sent, words.speed]}
        more={moreOf(sample.moreInterfaces, units)}
        rows={[
          ...interfaces.map((of) => [
            <bdi>{of.name}</bdi>,
            write(of.rx, units.rate),
            write(of.tx, units.rate),
            write(of.speed, (speed) => words.speedOf(units.count(speed))),
          ]),
          ...all.map((of) => [
            words.allInterfaces,
            write(of.rx, units.rate),
            write(of.tx, units.rate),
            "",
          ]),
        ]}
      />
      <Facts rows={[[words.errors, bad]]} />
    </Panel>
  );
}

function Temperatures({ sample, units }: PanelProps) {
  if (sample.temperatures.length === 0) return null;
  return (
    <Panel title={words.temperatures}>
      <List
        label={words.temperatures}
        head={[words.sensor, words.now, words.critical]}
        more={moreOf(sample.moreTemperatures, units)}
        rows={sample.temperatures.map((of) => [
          <bdi>{of.name}</bdi>,
          write(of.celsius, units.celsius),
          write(of.critical, units.celsius),
        ])}
      />
    </Panel>
  );
}

function Who(props: PanelProps & { identity: Identity | null; id: string }) {
  const { sample, identity, id, units } = props;
  const { cpu, rss } = sample.agent;
  return (
    <Panel title={words.identity}>
      <Facts
        rows={[
          [words.id, <bdi class="path">{id}</bdi>],
          [words.hostName, identity?.host ?? dash],
          [words.region, identity?.region ?? dash],
          [words.tags, identity?.tags.join(", ") ?? dash],
          [words.os, identity?.os ?? dash],
          [words.kernel, identity?.kernel ?? dash],
          [words.arch, identity?.arch ?? dash],
          [words.cpus, write(identity?.cpus ?? null, units.count)],
          [words.memoryTotal, write(identity?.memory ?? null, units.bytes)],
          [words.booted, write(identity?.boot ?? null, (boot) => units.time(boot * 1000))],
          [words.up, write(sample.up, units.duration)],
          [words.scope, words.scopes[identity?.scope ?? ""] ?? dash],
          [words.agent, identity?.agent ?? dash],
          [
            words.agentCost,
            cpu === null || rss === null
              ? dash
              : words.agentCostOf(units.percent(cpu), units.bytes(rss)),
          ],
          [words.interval, sample.modern ? `${units.plain(sample.intervalMs / 1000)} s` : dash],
          [words.failed, sample.failed.join(", ")],
        ]}
      />
    </Panel>
  );
}

/** All that the newest record says, in panels; what it does not say has none. */
export function Panels(props: PanelProps & { identity: Identity | null; id: string }) {
  const given = { sample: props.sample, units: props.units };
  return (
    <div class="panels">
      <Processor {...given} />
      <Memory {...given} />
      <PressureTable {...given} />
      <Mounts {...given} />
      <Disks {...given} />
      <Interfaces {...given} />
      <Temperatures {...given} />
      <Who {...props} />
    </div>
  );
}
