import type { App } from "../app";
import { type Format, seenText } from "../model/format";
import { defaultIntervalMs } from "../model/host";
import { text } from "../text";

/** Where the page stands with the server, and how old its data is. Always there, never moves. */
export function Banner({ app, format }: { app: App; format: Format }) {
  const { phase, dataAt, reason } = app.connection;
  const age = dataAt === null ? null : seenText(format, app.age(dataAt), defaultIntervalMs);
  const showAge = age !== null && app.fleet.counts.all > 0;
  return (
    <p class="banner" data-phase={phase} title={app.cutOff && showAge ? text.cutOff : undefined}>
      <span class="pulse" aria-hidden="true" />
      <span class="word">{text.phase[phase]}</span>
      {reason !== null && <span class="detail">{text.refusedBecause(reason)}</span>}
      {showAge && <span class="detail">{text.dataAge(age)}</span>}
    </p>
  );
}
