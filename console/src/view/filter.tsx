import type { App } from "../app";
import type { Format } from "../model/format";
import { text } from "../text";

export const searchFieldId = "search";

/** The field that narrows the table; `/` leads to it, Escape empties it. */
export function Filter({ app, format }: { app: App; format: Format }) {
  const { problem } = app.arrangement;
  const { q } = app.query;
  const onKeyDown = (event: KeyboardEvent & { currentTarget: HTMLInputElement }): void => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    if (q === "") event.currentTarget.blur();
    else app.search("");
  };

  return (
    <div class="filter">
      <input
        id={searchFieldId}
        type="search"
        aria-label={text.filter}
        aria-keyshortcuts="/"
        aria-invalid={problem !== null}
        aria-describedby={problem === null ? undefined : "search-problem"}
        placeholder={text.filterPlaceholder}
        maxLength={512}
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        value={q}
        onInput={(event) => app.search(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <kbd>{text.filterHint}</kbd>
      {problem !== null && (
        <p class="problem" id="search-problem">
          {text.searchProblem(format.count(problem.at + 1), text.searchError[problem.error])}
        </p>
      )}
    </div>
  );
}
