import { useEffect, useRef } from "preact/hooks";
import type { App } from "../app";
import { text } from "../text";

function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select") !== null;
}

/** The field that narrows the table to ids with its words; `/` leads to it, Escape empties it. */
export function Filter({ app }: { app: App }) {
  const field = useRef<HTMLInputElement>(null);

  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
      if (isTyping(event.target)) return;
      event.preventDefault();
      field.current?.focus();
      field.current?.select();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Escape") return;
    if (app.query.words === "") field.current?.blur();
    else app.search("");
  };

  return (
    <div class="filter">
      <input
        ref={field}
        type="search"
        aria-label={text.filter}
        aria-keyshortcuts="/"
        placeholder={text.filter}
        maxLength={128}
        autocomplete="off"
        spellcheck={false}
        value={app.query.words}
        onInput={(event) => app.search(event.currentTarget.value)}
        onKeyDown={onKeyDown}
      />
      <kbd>{text.filterHint}</kbd>
    </div>
  );
}
