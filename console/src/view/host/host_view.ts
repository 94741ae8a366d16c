import type { HostWatch } from "../../app";
import type { HostRow } from "../../model/fleet";
import { exact, fields, isFields, list, number, shown } from "../../model/judge";
import { type Identity, readSample, type Sample } from "../../model/sample";
import { safeText } from "../../model/safe";
import { Series } from "../../model/series";
import { part, type Rest, RestError } from "../../net/rest";

/** A change of state. */
export interface Turn {
  readonly from: string;
  readonly to: string;
  readonly rule: string;
  readonly value: number | null;
  readonly limit: number | null;
  /** Wall clock of the node, ms; 0: not known. */
  readonly at: number;
}

const turnsAtMost = 100;

/** What the page of one host knows, from its watch and from the node's HTTP API. */
export class HostView implements HostWatch {
  sample: Sample | null = null;
  identity: Identity | null = null;
  /** The newest record as it came. */
  raw: unknown = null;
  turns: readonly Turn[] = [];
  /** Why an offline host is, in the node's word. */
  reason = "";
  /** Since when it is as it is, by the node's wall clock, ms; 0: not known. */
  since = 0;
  /** The node was asked and has no such host. */
  unknown = false;
  /** True when the node keeps histories; `null`: not known yet. */
  hasHistory: boolean | null = null;
  readonly series = new Series();

  private last: Pick<Turn, "to" | "rule"> | null = null;

  constructor(
    readonly id: string,
    private readonly rest: Rest,
    private readonly changed: () => void,
    private readonly now: () => number = Date.now,
  ) {}

  // What the watch says.

  history(history: unknown): void {
    const taken = this.series.replace(history, this.now());
    this.hasHistory = taken || this.hasHistory === true;
    this.changed();
    void this.ask();
  }

  failed(): void {
    this.hasHistory = false;
    this.changed();
    void this.ask();
  }

  record(record: unknown): void {
    const sample = this.take(record);
    this.unknown = false;
    this.series.add(sample.metrics, sample.intervalMs, this.now());
    this.changed();
  }

  // What the HTTP API says.

  /** Asks for the last record, which an offline host no longer sends, and for the state log. */
  async ask(): Promise<void> {
    await Promise.all([this.askRecord(), this.askTurns()]);
    this.changed();
  }

  private async askRecord(): Promise<void> {
    try {
      const row = fields(await this.rest.get(`clients/${part(this.id)}`));
      this.reason = exact(row.reason, 32);
      this.since = number(row.since, 1e14) ?? 0;
      this.unknown = false;
      if (isFields(row.record) && this.sample === null) this.take(row.record);
    } catch (error) {
      // Nodes of the original have no such address and say the same of every host.
      this.unknown = error instanceof RestError && error.missing && this.sample === null;
    }
  }

  private async askTurns(): Promise<void> {
    try {
      const answer = await this.rest.get(`states?id=${part(this.id)}`);
      const states = Array.isArray(answer) ? answer : fields(answer).states;
      const told = list(states, turnsAtMost).map(readTurn);
      this.turns = merged(told, this.turns);
    } catch {
      // The log begins with what the page sees.
    }
  }

  /** Forgets the host. Throws `RestError`. */
  async forget(): Promise<void> {
    await this.rest.delete(`clients/${part(this.id)}`);
  }

  /** Notes a change of state that the table has seen. Call with each repaint. */
  follow(row: HostRow | null): void {
    if (row === null) return;
    const { state, verdict } = row;
    const next = { to: state as string, rule: verdict.rule };
    const { last } = this;
    if (last?.to === next.to && last.rule === next.rule) return;
    this.last = next;
    if (last === null) return;
    const turn: Turn = {
      from: last.to,
      ...next,
      value: Number.isNaN(verdict.value) ? null : verdict.value,
      limit: Number.isNaN(verdict.limit) ? null : verdict.limit,
      at: verdict.since > 0 ? verdict.since : this.series.nodeTime(this.now()),
    };
    this.turns = merged([turn], this.turns);
  }

  private take(record: unknown): Sample {
    const sample = readSample(record);
    this.raw = record;
    this.sample = sample;
    this.identity = sample.identity ?? this.identity;
    return sample;
  }
}

function readTurn(value: unknown): Turn {
  const turn = fields(value);
  const finite = (of: unknown): number | null => number(of, 1e15, -1e15);
  return {
    from: shown(turn.from, 16),
    to: shown(turn.to, 16),
    rule: shown(turn.rule, 64),
    value: finite(turn.value),
    limit: finite(turn.limit),
    at: number(turn.at, 1e14) ?? number(turn.since, 1e14) ?? 0,
  };
}

/** Newest first; a change that both have is there once. */
function merged(some: readonly Turn[], others: readonly Turn[]): readonly Turn[] {
  const sameMs = 5000;
  const left = others.filter(
    (other) =>
      !some.some(
        ({ to, rule, at }) =>
          to === other.to && rule === other.rule && Math.abs(at - other.at) < sameMs,
      ),
  );
  return [...some, ...left].sort((a, b) => b.at - a.at).slice(0, turnsAtMost);
}

/** The record as text for the eyes of a person: two spaces a step, nothing of it read as markup. */
export function rawText(record: unknown): string {
  const lines = JSON.stringify(record, null, 2).split("\n");
  return lines.map((line) => safeText(line, 2000)).join("\n");
}
