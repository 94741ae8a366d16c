import { countedStates, type Flag, flagNames, type HostState } from "./host";
import { type MetricName, metricNames } from "./route";

/** What is wrong with a search; the names are those of the shared rows, tests/data/search. */
export type SearchError =
  | "unclosed_quote"
  | "empty_quotes"
  | "nothing_negated"
  | "missing_value"
  | "unknown_state"
  | "unknown_flag"
  | "unknown_metric"
  | "bad_number"
  | "too_long"
  | "too_many_terms";

export interface SearchProblem {
  readonly error: SearchError;
  /** Which code point of the text, from 0. */
  readonly at: number;
}

/** What a search looks at. */
export interface Subject {
  readonly id: string;
  readonly name: string;
  readonly region: string;
  readonly os: string;
  readonly tags: readonly string[];
  readonly state: HostState;
  /** Bits, see `flagNames`. */
  readonly flags: number;
  /** NaN: not known, which no comparison matches. */
  number(of: MetricName | "up"): number;
}

type Test = (host: Subject) => boolean;

export interface Search {
  readonly matches: Test;
  /** True when values that every sample moves decide. */
  readonly live: boolean;
  /** True when states or flags decide. */
  readonly turns: boolean;
  /** True when the operating system decides, which rows only have on demand. */
  readonly os: boolean;
  /** True when there is no term: everything matches. */
  readonly empty: boolean;
}

const textMost = 1024;
const termsMost = 32;

class Mistake extends Error {
  constructor(
    readonly error: SearchError,
    readonly place: number,
  ) {
    super(error);
  }
}

/** Capital letters of ASCII made small; all others stay, as nodes do it. */
function small(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]+/g, (part) => part.toLowerCase()) : text;
}

/** One character of a token without its quotes: what was in quotes has no meaning. */
interface Piece {
  readonly char: string;
  readonly plain: boolean;
  readonly at: number;
}

type Token = readonly Piece[];

/** Text with stars in it, as the parts between them. */
type Pattern = readonly string[];

function within(pattern: Pattern, text: string): boolean {
  let at = 0;
  for (const part of pattern) {
    const found = text.indexOf(part, at);
    if (found < 0) return false;
    at = found + part.length;
  }
  return true;
}

function whole(pattern: Pattern, text: string): boolean {
  const first = pattern[0] ?? "";
  const last = pattern.at(-1) ?? "";
  if (pattern.length === 1) return text === first;
  if (text.length < first.length + last.length) return false;
  if (!text.startsWith(first) || !text.endsWith(last)) return false;
  return within(pattern.slice(1, -1), text.slice(first.length, text.length - last.length));
}

function isPlain(piece: Piece | undefined, chars: string): boolean {
  return piece?.plain === true && chars.includes(piece.char);
}

function textOf(token: Token): string {
  return small(token.map(({ char }) => char).join(""));
}

function patternOf(token: Token): Pattern {
  const parts = [""];
  for (const piece of token) {
    if (isPlain(piece, "*")) parts.push("");
    else parts[parts.length - 1] = `${parts.at(-1) ?? ""}${small(piece.char)}`;
  }
  return parts;
}

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function readNumber(name: MetricName | "up", text: string): number | null {
  const last = text.slice(-1);
  const percent = name !== "up" && name !== "load" && name !== "network";
  const unit = name === "up" ? (units[last] ?? 0) : percent && last === "%" ? 1 : 0;
  const digits = unit === 0 ? text : text.slice(0, -1);
  if (!/^-?(\d+(\.\d+)?|\.\d+)$/.test(digits)) return null;
  return Number(digits) * (unit === 0 ? 1 : unit);
}

const comparisons: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  "=": (a, b) => a === b,
  ">=": (a, b) => a >= b,
  ">": (a, b) => a > b,
};

class Reader {
  private at = 0;
  private live = false;
  private turns = false;
  private os = false;

  constructor(private readonly text: string) {}

  run(): Search {
    if (this.points(this.text.length) > textMost) throw new Mistake("too_long", this.text.length);
    const tests: Test[] = [];
    for (;;) {
      while (this.at < this.text.length && this.isSpace()) this.at += 1;
      if (this.at >= this.text.length) break;
      if (tests.length === termsMost) throw new Mistake("too_many_terms", this.at);
      const begin = this.at;
      tests.push(this.term(this.token(), begin));
    }
    return {
      matches: (host) => tests.every((test) => test(host)),
      live: this.live,
      turns: this.turns,
      os: this.os,
      empty: tests.length === 0,
    };
  }

  /** Code points of the text before `end`. */
  points(end: number): number {
    return Array.from(this.text.slice(0, end)).length;
  }

  private isSpace(): boolean {
    return /[ \t-\r]/.test(this.text.charAt(this.at));
  }

  private token(): Token {
    const token: Piece[] = [];
    while (this.at < this.text.length && !this.isSpace()) {
      const char = this.text.charAt(this.at);
      if (char === '"') this.quoted(token);
      else token.push({ char, plain: true, at: this.at });
      this.at += 1;
    }
    return token;
  }

  private quoted(token: Piece[]): void {
    const opened = this.at;
    for (this.at += 1; this.text.charAt(this.at) !== '"'; this.at += 1) {
      if (this.text.charAt(this.at) === "\\" && this.at + 1 < this.text.length) this.at += 1;
      if (this.at >= this.text.length) throw new Mistake("unclosed_quote", opened);
      token.push({ char: this.text.charAt(this.at), plain: false, at: this.at });
    }
  }

  private term(token: Token, begin: number): Test {
    const negated = isPlain(token[0], "-");
    const rest = negated ? token.slice(1) : token;
    if (rest.length === 0) {
      const onlyMinus = negated && this.at === begin + 1;
      throw new Mistake(
        onlyMinus ? "nothing_negated" : "empty_quotes",
        begin + (negated && !onlyMinus ? 1 : 0),
      );
    }
    const test = this.positive(rest, begin + (negated ? 1 : 0));
    return negated ? (host) => !test(host) : test;
  }

  private positive(token: Token, begin: number): Test {
    const sign = token.findIndex((piece) => isPlain(piece, ":<>="));
    if (sign < 0 || (sign === 0 && isPlain(token[0], ":"))) return this.word(token);
    if (isPlain(token[sign], ":")) return this.values(token, sign);
    return this.comparison(token, sign, begin);
  }

  private word(token: Token): Test {
    const pattern = patternOf(token);
    return ({ id, name, tags }) =>
      within(pattern, small(id)) ||
      within(pattern, small(name)) ||
      tags.some((tag) => within(pattern, small(tag)));
  }

  private values(token: Token, colon: number): Test {
    const key = textOf(token.slice(0, colon));
    const lists = this.split(token, colon + 1);
    if (key === "state" || key === "flag") {
      this.turns = true;
      const known: readonly string[] = key === "state" ? countedStates : flagNames;
      const asked = lists.map((value) => {
        const word = textOf(value);
        if (!known.includes(word)) throw new Mistake(`unknown_${key}`, value[0]?.at ?? 0);
        return word;
      });
      if (key === "state") return ({ state }) => asked.includes(state);
      const bits = asked.reduce((sum, flag) => sum | (1 << flagNames.indexOf(flag as Flag)), 0);
      return ({ flags }) => (flags & bits) !== 0;
    }
    const patterns = lists.map(patternOf);
    const is = (text: string): boolean =>
      text !== "" && patterns.some((pattern) => whole(pattern, small(text)));
    switch (key) {
      case "id":
        return ({ id }) => is(id);
      case "name":
        return ({ name }) => is(name);
      case "region":
        return ({ region }) => is(region);
      case "os":
        this.os = true;
        return ({ os }) => patterns.some((pattern) => within(pattern, small(os)));
      case "tag":
        return ({ tags }) => tags.some(is);
      default: {
        const head = token.slice(0, colon + 1);
        const tagged = lists.map((value) => patternOf([...head, ...value]));
        return ({ tags }) =>
          tags.some((tag) => tagged.some((pattern) => whole(pattern, small(tag))));
      }
    }
  }

  private split(token: Token, begin: number): Token[] {
    const lists: Token[] = [];
    for (let from = begin; ;) {
      let end = from;
      while (end < token.length && !isPlain(token[end], ",")) end += 1;
      if (end === from) throw new Mistake("missing_value", (token[from - 1]?.at ?? 0) + 1);
      lists.push(token.slice(from, end));
      if (end === token.length) return lists;
      from = end + 1;
    }
  }

  private comparison(token: Token, sign: number, begin: number): Test {
    const name = textOf(token.slice(0, sign)) as MetricName | "up";
    if (name !== "up" && !metricNames.includes(name)) {
      throw new Mistake("unknown_metric", begin);
    }
    const first = token[sign]?.char ?? "=";
    const wide = first !== "=" && token[sign + 1]?.char === "=";
    const compare = comparisons[wide ? `${first}=` : first];
    const value = token.slice(sign + (wide ? 2 : 1));
    const limit = readNumber(name, textOf(value));
    if (limit === null || compare === undefined) {
      throw new Mistake("bad_number", (token[sign + (wide ? 1 : 0)]?.at ?? 0) + 1);
    }
    this.live = true;
    // Single precision: a value is kept as such, and must still be equal to itself.
    const same = name === "up" ? limit : Math.fround(limit);
    return (host) => compare(host.number(name), same);
  }
}

/** The search that `text` describes, or what is wrong with it. */
export function parseSearch(text: string): Search | SearchProblem {
  const reader = new Reader(text);
  try {
    return reader.run();
  } catch (mistake) {
    if (!(mistake instanceof Mistake)) throw mistake;
    return { error: mistake.error, at: reader.points(mistake.place) };
  }
}

export function isProblem(search: Search | SearchProblem): search is SearchProblem {
  return "error" in search;
}

export const searchAll: Search = {
  matches: () => true,
  live: false,
  turns: false,
  os: false,
  empty: true,
};

const stateTerm = /(?:^|\s)state:([a-z]+)(?=\s|$)/g;

/** The one state that a search asks for by a plain `state:` term, or `null`. */
export function stateAsked(text: string): string | null {
  const terms = [...text.matchAll(stateTerm)];
  return terms.length === 1 ? (terms[0]?.[1] ?? null) : null;
}

/** The search with that `state:` term in place of others; `null`: without one. */
export function askState(text: string, state: string | null): string {
  const rest = text.replace(stateTerm, "").trim();
  if (state === null) return rest;
  return rest === "" ? `state:${state}` : `${rest} state:${state}`;
}

/** `key:value` as one term, with quotes where they are needed. */
export function termFor(tag: string): string {
  const plain = /^[^\s"*,:<>=-][^\s"*,:<>=]*$/;
  const quoted = (part: string): string =>
    plain.test(part) ? part : `"${part.replace(/["\\]/g, (char) => `\\${char}`)}"`;
  return `tag:${tag.split(":").map(quoted).join(":")}`;
}
