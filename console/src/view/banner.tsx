import type { App } from "../app";
import { type Format, seenText } from "../model/format";
import { text } from "../text";

/** A page whose node has been silent for shorter than this has data of now, ms. */
const freshMs = 4000;

/** What is live and in time is of now; what is cut off has its age from the first second on. */
function ageText(app: App, ageMs: number, format: Format): string {
  return app.cutOff ? format.ago(ageMs) : seenText(format, ageMs, freshMs);
}

/** Where the page stands with the server, and how old its data is. Always there, never moves. */
export function Banner({ app, format }: { app: App; format: Format }) {
  const { phase, dataAt, reason } = app.connection;
  if (app.paused && !app.cutOff) {
    const { waiting } = app.held;
    return (
      <p class="banner" data-phase="paused">
        <span class="pulse" aria-hidden="true" />
        <span class="word">{text.paused}</span>
        <span class="detail">{text.updatesWait(format.count(waiting), waiting === 1)}</span>
      </p>
    );
  }
  const age = dataAt === null ? null : ageText(app, app.age(dataAt), format);
  const showAge = age !== null && app.fleet.size > 0;
  return (
    <p class="banner" data-phase={phase} title={app.cutOff && showAge ? text.cutOff : undefined}>
      <span class="pulse" aria-hidden="true" />
      <span class="word">{text.phase[phase]}</span>
      {reason !== null && <span class="detail">{text.refusedBecause(reason)}</span>}
      {showAge && <span class="detail">{text.dataAge(age)}</span>}
    </p>
  );
}
