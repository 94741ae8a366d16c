import { exact, fields, number } from "../../model/judge";
import { type Mute, readMutes, readRules, type Rule } from "../../model/rule";
import { part, type Rest, RestError } from "../../net/rest";
import { words } from "../../words/rules";
import { safeText } from "../../model/safe";

/** Why a request failed, for people. */
export function whyOf(error: unknown): string {
  return error instanceof RestError && error.message !== "" && error.status !== 0
    ? safeText(error.message, 200)
    : words.noAnswer;
}

/** A link that was made; shown once. */
export interface MadeLink {
  readonly url: string;
  /** Wall clock, ms; 0: not told. */
  readonly expires: number;
}

/** What the page of the rules knows, from the HTTP API of the node. */
export class RulesView {
  rules: readonly Rule[] | null = null;
  mutes: readonly Mute[] = [];
  /** Why there are no rules; `missing`: the node has none to show. */
  failed: string | null = null;
  missing = false;

  constructor(
    private readonly rest: Rest,
    private readonly changed: () => void,
  ) {}

  async load(): Promise<void> {
    try {
      const [rules, mutes] = await Promise.all([this.rest.get("rules"), this.rest.get("mutes")]);
      this.rules = readRules(rules);
      this.mutes = readMutes(mutes);
      this.failed = null;
      this.missing = false;
    } catch (error) {
      this.missing = error instanceof RestError && error.missing;
      this.failed = whyOf(error);
    }
    this.changed();
  }

  // All below throw `RestError`.

  async save(name: string, body: unknown): Promise<void> {
    await this.rest.put(`rules/${part(name)}`, body);
    await this.load();
  }

  async reset(name: string): Promise<void> {
    await this.rest.delete(`rules/${part(name)}`);
    await this.load();
  }

  async mute(match: string, seconds: number, reason: string): Promise<void> {
    await this.rest.post("mutes", { match, for: seconds, ...(reason === "" ? {} : { reason }) });
    await this.load();
  }

  async unmute(id: string): Promise<void> {
    await this.rest.delete(`mutes/${part(id)}`);
    await this.load();
  }

  async link(seconds: number, filter: string, origin: string): Promise<MadeLink> {
    const asked = { role: "viewer", expires_in: seconds, ...(filter === "" ? {} : { filter }) };
    const { token, expires } = fields(await this.rest.post("links", asked));
    const at = typeof expires === "string" ? Date.parse(expires) : number(expires, 1e14);
    return {
      url: `${origin}/#view=${encodeURIComponent(exact(token, 8192))}`,
      expires: at === null || Number.isNaN(at) ? 0 : at,
    };
  }
}
