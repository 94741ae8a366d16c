import type { ComponentChildren } from "preact";
import type { ColumnKey } from "../model/columns";
import type { Format } from "../model/format";
import type { Host } from "../model/host";
import { text } from "../text";
import { Shape } from "./shape";

function NoValue() {
  return (
    <>
      <span class="dash" aria-hidden="true">
        {text.dash}
      </span>
      <span class="unseen">{text.noValue}</span>
    </>
  );
}

function Percent(props: { value: number | null; format: Format; of?: ComponentChildren }) {
  const { value, format, of } = props;
  if (value === null) return <NoValue />;
  const part = Math.min(value, 100) / 100;
  return (
    <>
      <span class="meter" aria-hidden="true">
        <span class="fill" style={{ transform: `scaleX(${part.toFixed(3)})` }} />
      </span>
      <span class="value">{format.percent(value)}</span>
      {of}
    </>
  );
}

/** A number of an old agent: shown as it came, since nobody knows its unit. */
function Plain({ value, format }: { value: number | null; format: Format }) {
  return value === null ? <NoValue /> : <span class="value">{format.plain(value)}</span>;
}

function Network({ host, format }: { host: Host; format: Format }) {
  const { network, modern } = host.reading;
  if (network === null || !modern) return <Plain value={network} format={format} />;
  const { value, unit } = format.megabits(network);
  return (
    <>
      <span class="value">{value}</span> <span class="unit">{unit}</span>
    </>
  );
}

function Memory({ host, format }: { host: Host; format: Format }) {
  const { memory, memoryTotal } = host.reading;
  const total = memoryTotal === null ? null : format.bytes(memoryTotal);
  return (
    <Percent
      value={memory}
      format={format}
      of={
        total !== null && (
          <span class="unit total">{` ${text.ofTotal(`${total.value} ${total.unit}`)}`}</span>
        )
      }
    />
  );
}

function LoadAverages({ host, format }: { host: Host; format: Format }) {
  const { load } = host.reading;
  if (load === null) return <NoValue />;
  const [one, five, fifteen] = format.load(load);
  return (
    <span class="averages" title={text.loadFull(one, five, fifteen)}>
      <span class="value">{one}</span> <span class="later">{five}</span>{" "}
      <span class="later">{fifteen}</span>
    </span>
  );
}

/** The content of one cell; all text of peers goes into text nodes and plain attributes. */
export function cellContent(
  key: ColumnKey,
  host: Host,
  seen: string,
  format: Format,
): ComponentChildren {
  const { reading } = host;
  switch (key) {
    case "state":
      return (
        <>
          <Shape of={host.state} />
          <span class="word">{text.state[host.state]}</span>
        </>
      );
    case "id":
      return (
        <bdi class="name" title={host.title}>
          {host.label}
        </bdi>
      );
    case "storage":
      return reading.modern ? (
        <Percent value={reading.storage} format={format} />
      ) : (
        <Plain value={reading.storage} format={format} />
      );
    case "network":
      return <Network host={host} format={format} />;
    case "cpu":
      return <Percent value={reading.cpu} format={format} />;
    case "memory":
      return <Memory host={host} format={format} />;
    case "load":
      return <LoadAverages host={host} format={format} />;
    case "seen":
      return <span class="value">{seen}</span>;
  }
}
