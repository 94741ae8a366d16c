import { useEffect, useRef, useState } from "preact/hooks";
import type { App } from "../app";
import { text } from "../text";
import { commandsOf, type PaletteEntry } from "./commands";
import { Dialog } from "./dialog";

const commandsMost = 12;
const hostsMost = 8;

/** Commands and hosts that have all words of what was typed. */
export function findEntries(app: App, typed: string): readonly PaletteEntry[] {
  const words = typed.toLowerCase().split(/\s+/);
  const fits = (label: string): boolean => {
    const lower = label.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
  const found = commandsOf(app).filter(({ label }) => fits(label));
  if (typed.trim() === "") return found.slice(0, commandsMost);
  const hosts: PaletteEntry[] = [];
  for (const slot of app.fleet.slots()) {
    if (hosts.length === hostsMost) break;
    if (!fits(app.fleet.id(slot))) continue;
    const label = text.openHost(app.fleet.label(slot).short);
    hosts.push({ label, run: () => app.openHost(slot) });
  }
  return [...hosts, ...found.slice(0, commandsMost)];
}

/** A field in which commands and hosts are found by their names. */
export default function Palette({ app, onClose }: { app: App; onClose: () => void }) {
  const [typed, type] = useState("");
  const [at, move] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const entries = findEntries(app, typed);
  const current = Math.min(at, entries.length - 1);
  const run = (entry: PaletteEntry | undefined): void => {
    if (entry === undefined) return;
    onClose();
    entry.run();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step !== 0) move((current + step + entries.length) % Math.max(1, entries.length));
    else if (event.key === "Enter") run(entries[current]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog name={text.palette} class="palette" onClose={onClose}>
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-label={text.palettePlaceholder}
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={entries.length > 0 ? `palette-${current}` : undefined}
        placeholder={text.palettePlaceholder}
        autocomplete="off"
        spellcheck={false}
        maxLength={128}
        value={typed}
        onInput={(event) => {
          type(event.currentTarget.value);
          move(0);
        }}
        onKeyDown={onKeyDown}
      />
      <div class="palette-list" id="palette-list" role="listbox" aria-label={text.palette}>
        {entries.map((entry, index) => (
          <div
            key={entry.label}
            id={`palette-${index}`}
            role="option"
            class="palette-entry"
            aria-selected={index === current}
            onPointerMove={() => index !== current && move(index)}
            onClick={() => run(entry)}
          >
            <bdi>{entry.label}</bdi>
          </div>
        ))}
      </div>
      {entries.length === 0 && <p class="palette-nothing">{text.paletteNothing}</p>}
    </Dialog>
  );
}
