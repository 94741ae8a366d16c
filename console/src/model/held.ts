import type { Fleet, RowOrder } from "./fleet";
import { readId } from "./host";

type Kept =
  | { readonly kind: "row"; readonly order: RowOrder; readonly row: readonly unknown[] }
  | { readonly kind: "record"; readonly record: unknown }
  | { readonly kind: "gone" };

/** What came while the view is frozen: the newest of each host, so it cannot grow without end. */
export class Held {
  /** Updates that came. */
  waiting = 0;
  private readonly newest = new Map<string, Kept>();
  /** The rows kept are all hosts there are. */
  private whole = false;

  /** A new list of the whole fleet begins. */
  begin(): void {
    this.newest.clear();
    this.whole = true;
  }

  rows(order: RowOrder, rows: unknown): void {
    if (!Array.isArray(rows)) return;
    const at = order.get("id") ?? 0;
    for (const row of rows as unknown[]) {
      if (Array.isArray(row)) this.keep(readId(row[at]), { kind: "row", order, row });
    }
  }

  record(record: unknown): void {
    this.keep(readId((record as { id?: unknown } | null)?.id), { kind: "record", record });
  }

  gone(id: unknown): void {
    const known = readId(id);
    if (known !== null && this.whole) this.newest.delete(known);
    else this.keep(known, { kind: "gone" });
  }

  /** Brings the fleet up to date. */
  release(fleet: Fleet, now: number): void {
    if (this.whole) fleet.begin();
    for (const [id, kept] of this.newest) {
      if (kept.kind === "row") fleet.putRows(kept.order, [kept.row], now);
      else if (kept.kind === "record") fleet.update(kept.record, now);
      else fleet.remove(id);
    }
    if (this.whole) fleet.end();
    this.newest.clear();
    this.whole = false;
    this.waiting = 0;
  }

  private keep(id: string | null, kept: Kept): void {
    if (id === null) return;
    this.newest.set(id, kept);
    this.waiting += 1;
  }
}
