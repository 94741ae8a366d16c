import type { App } from "../../app";
import type { HostRow } from "../../model/fleet";

/** What the table knows of a host, and which stand beside it there. */
export interface Standing {
  /** `null`: the fleet has no such host. */
  readonly row: HostRow | null;
  readonly before: string | null;
  readonly after: string | null;
  /** Place in the table, from 1; 0: the table does not show it. */
  readonly place: number;
  readonly of: number;
}

export function standingOf(app: App, id: string): Standing {
  const { fleet, arrangement } = app;
  const slot = fleet.find(id);
  const row = slot === undefined ? null : fleet.row(slot);
  const slots = arrangement.entries.filter((entry) => entry >= 0);
  const at = slot === undefined ? -1 : slots.indexOf(slot);
  const idAt = (place: number): string | null => {
    const other = slots[place];
    return other === undefined || at < 0 ? null : fleet.id(other);
  };
  return { row, before: idAt(at - 1), after: idAt(at + 1), place: at + 1, of: slots.length };
}
