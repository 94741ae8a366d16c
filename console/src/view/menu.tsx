import { useEffect, useRef } from "preact/hooks";
import type { App } from "../app";
import { byteUnits, themes } from "../model/prefs";
import { type ColumnName, columnNames, metricNames } from "../model/route";
import { safeText } from "../model/safe";
import { text } from "../text";
import { copyLink, saveCsv } from "./actions";

interface Choice {
  readonly value: string;
  readonly label: string;
}

/** What hosts can be grouped by: also what the address asks for, be there such a tag or not. */
export function groupChoices(app: App): readonly Choice[] {
  const byTag = app.fleet.tagKeys().map((key) => `tag:${key}`);
  const { group } = app.query;
  if (group.startsWith("tag:") && !byTag.includes(group)) byTag.push(group);
  return [
    { value: "", label: text.noGroup },
    { value: "state", label: text.byState },
    { value: "region", label: text.byRegion },
    ...byTag.map((value) => ({ value, label: text.byTag(safeText(value.slice(4), 32)) })),
  ];
}

function Select(props: {
  label: string;
  value: string;
  choices: readonly Choice[];
  onChoose: (value: string) => void;
}) {
  const { label, value, choices, onChoose } = props;
  return (
    <label class="choice">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </label>
  );
}

function toggled(columns: readonly ColumnName[], column: ColumnName): readonly ColumnName[] {
  return columnNames.filter((name) =>
    name === column ? !columns.includes(name) : columns.includes(name),
  );
}

/** How the fleet is shown: everything that is not needed each minute. */
export function Menu({ app }: { app: App }) {
  const panel = useRef<HTMLDivElement>(null);
  useEffect(() => {
    panel.current?.querySelector<HTMLElement>("select")?.focus();
    const outside = (event: PointerEvent): void => {
      const target = event.target as Element;
      if (!panel.current?.contains(target) && !target.closest(".menu-button")) app.show(null);
    };
    document.addEventListener("pointerdown", outside);
    return () => document.removeEventListener("pointerdown", outside);
  }, [app]);
  const { query, prefs, columns } = app;
  const done = (run: () => void) => () => {
    app.show(null);
    run();
  };
  return (
    <div
      ref={panel}
      class="menu"
      role="dialog"
      aria-label={text.menu}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key !== "Escape") return;
        app.show(null);
        document.querySelector<HTMLElement>(".menu-button")?.focus();
      }}
    >
      <Select
        label={text.groupBy}
        value={query.group}
        choices={groupChoices(app)}
        onChoose={(group) => app.view({ group })}
      />
      <Select
        label={text.colourBy}
        value={query.metric}
        choices={metricNames.map((value) => ({ value, label: text.metric[value] }))}
        onChoose={(value) =>
          app.view({ metric: metricNames.find((name) => name === value) ?? query.metric })
        }
      />
      <fieldset class="columns-choice">
        <legend>{text.columns}</legend>
        {columnNames.map((name) => (
          <label key={name}>
            <input
              type="checkbox"
              checked={columns.includes(name)}
              disabled={name === "name"}
              onChange={() => app.chooseColumns(toggled(columns, name))}
            />
            {text.column[name]}
          </label>
        ))}
        <button type="button" class="plain" onClick={() => app.chooseColumns(null)}>
          {text.usualColumns}
        </button>
      </fieldset>
      <Select
        label={text.theme}
        value={prefs.theme}
        choices={themes.map((value) => ({ value, label: text.themes[value] }))}
        onChoose={(value) =>
          app.prefer({ theme: themes.find((name) => name === value) ?? prefs.theme })
        }
      />
      <Select
        label={text.bytes}
        value={prefs.bytes}
        choices={byteUnits.map((value) => ({ value, label: text.byteUnits[value] }))}
        onChoose={(value) =>
          app.prefer({ bytes: byteUnits.find((name) => name === value) ?? prefs.bytes })
        }
      />
      <div class="menu-actions">
        <button type="button" onClick={done(() => saveCsv(app))}>
          {text.exportCsv}
        </button>
        <button type="button" onClick={done(copyLink)}>
          {text.copyLink}
        </button>
        <button type="button" onClick={done(() => app.view({ kiosk: true }))}>
          {text.kioskOn}
        </button>
        <button type="button" onClick={() => app.show("help")}>
          {text.help}
        </button>
      </div>
    </div>
  );
}
