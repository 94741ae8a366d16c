import type { App } from "../app";
import type { StateFilter } from "../model/arrangement";
import type { Format } from "../model/format";
import { text } from "../text";
import { Shape } from "./shape";

/** How many hosts are in each state; a click shows only these. */
export function Counters({ app, format }: { app: App; format: Format }) {
  const { all, ok, stale } = app.fleet.counts;
  const counters: { state: StateFilter; count: number; word: string }[] = [
    { state: "all", count: all, word: text.counterAll(all === 1) },
    { state: "ok", count: ok, word: text.state.ok },
    { state: "stale", count: stale, word: text.state.stale },
  ];
  return (
    <fieldset class="counters" aria-label={text.counters}>
      {counters.map(({ state, count, word }) => (
        <button
          key={state}
          type="button"
          class="counter"
          data-state={state}
          data-empty={count === 0}
          aria-pressed={app.query.state === state}
          onClick={() => app.showState(state)}
        >
          {state !== "all" && <Shape of={state} />}
          <span class="value">{format.count(count)}</span> <span class="word">{word}</span>
        </button>
      ))}
    </fieldset>
  );
}
