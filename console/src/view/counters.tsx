import type { App } from "../app";
import type { Format } from "../model/format";
import { countedStates } from "../model/host";
import { stateAsked } from "../model/search";
import { text } from "../text";
import { Shape } from "./shape";

/** How many hosts are in each state; a click shows only these. */
export function Counters({ app, format }: { app: App; format: Format }) {
  const { counts } = app.fleet;
  const asked = stateAsked(app.query.q);
  return (
    <fieldset class="counters" aria-label={text.counters}>
      <button
        type="button"
        class="counter"
        data-state="all"
        data-empty={counts.total === 0}
        aria-pressed={asked === null}
        onClick={() => app.showState(null)}
      >
        <span class="value">{format.count(counts.total)}</span>{" "}
        <span class="word">{text.counterAll(counts.total === 1)}</span>
      </button>
      {countedStates.map((state) => (
        <button
          key={state}
          type="button"
          class="counter"
          data-state={state}
          data-empty={counts[state] === 0}
          aria-pressed={asked === state}
          title={text.stateHelp[state]}
          onClick={() => app.showState(state)}
        >
          <Shape of={state} />
          <span class="value">{format.count(counts[state])}</span>{" "}
          <span class="word">{text.state[state]}</span>
        </button>
      ))}
    </fieldset>
  );
}
