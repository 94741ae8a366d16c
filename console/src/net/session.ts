import { problemOf, readWho, type SignInProblem, type Who } from "../model/session";
import { type Rest, RestError } from "./rest";

/** Who hears how signing in went. */
export interface SessionSink {
  /** The node says who this is; `null`: it does not know of such things. */
  known(who: Who | null): void;
  /** The node wants a token, or another one. */
  unknown(problem: SignInProblem): void;
}

/** What of a window a session needs. */
export interface SessionPlace {
  readonly location: { readonly hash: string; readonly pathname: string; readonly search: string };
  readonly history: { replaceState(data: unknown, unused: string, url: string): void };
  readonly sessionStorage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
}

const storageKey = "mad.token";
const tokenMost = 4096;
const fragment = /^#view=(.+)$/;

/**
 * The token of this page. It is never in an address: one that comes in the fragment of a view link
 * is taken over and removed from there at once. It is kept for this tab when the person wants that.
 */
export class Session {
  token: string | null = null;
  private fromLink = false;
  private wasGood = false;
  /** The person knows that a token is wanted, and why. */
  private told = false;

  constructor(
    private readonly place: SessionPlace,
    private readonly rest: Rest,
    private readonly sink: SessionSink,
  ) {
    this.token = this.takeLink() ?? this.recall();
  }

  /** Asks the node who this is. */
  async check(): Promise<void> {
    const asked = this.token;
    let answer: unknown;
    try {
      answer = await this.rest.get("session");
    } catch (error) {
      if (asked !== this.token || !(error instanceof RestError)) return;
      if (error.status === 401 || error.code === "may_not_read") this.refused(error.code);
      return; // all else: an older node, or none that answers; its events will tell
    }
    if (asked !== this.token) return;
    const who = readWho(answer);
    if (who?.role === "agent") {
      this.reject("role");
      return;
    }
    this.wasGood = asked !== null;
    this.sink.known(who);
  }

  /** The node refused, with its word for why. True when a token would help. */
  refused(code: string): boolean {
    // The same is heard twice, from the socket and from the HTTP API; the first word is the right one.
    if (this.token === null && this.told) return true;
    const { fromLink, wasGood } = this;
    const problem = problemOf(code, this.token === null ? null : { fromLink, wasGood });
    if (problem === null) return false;
    this.reject(problem);
    return true;
  }

  private reject(problem: SignInProblem): void {
    this.forget();
    this.told = true;
    this.sink.unknown(problem);
  }

  /** Tries a token; `keep`: until the tab is closed. */
  use(token: string, keep: boolean): void {
    this.set(token.trim().slice(0, tokenMost), false);
    if (keep) this.remember();
    else this.drop();
  }

  forget(): void {
    this.token = null;
    this.fromLink = false;
    this.wasGood = false;
    this.told = false;
    this.drop();
  }

  private takeLink(): string | null {
    const { location, history } = this.place;
    const found = fragment.exec(location.hash)?.[1];
    if (found === undefined) return null;
    history.replaceState(null, "", `${location.pathname}${location.search}`);
    let token = found;
    try {
      token = decodeURIComponent(found);
    } catch {
      // No escapes in it, then.
    }
    this.set(token.slice(0, tokenMost), true);
    this.remember(); // loading the page again must not lose the link: its address has it no more
    return this.token;
  }

  private set(token: string, fromLink: boolean): void {
    this.token = token;
    this.fromLink = fromLink;
    this.wasGood = false;
    this.told = false;
  }

  // Browsers may forbid storage; the page then asks again when it is loaded anew.

  private recall(): string | null {
    try {
      const kept = this.place.sessionStorage.getItem(storageKey);
      if (kept === null || kept === "") return null;
      this.fromLink = kept.startsWith("link ");
      return kept.slice(kept.indexOf(" ") + 1);
    } catch {
      return null;
    }
  }

  private remember(): void {
    try {
      const kind = this.fromLink ? "link" : "token";
      this.place.sessionStorage.setItem(storageKey, `${kind} ${this.token ?? ""}`);
    } catch {
      // See above.
    }
  }

  private drop(): void {
    try {
      this.place.sessionStorage.removeItem(storageKey);
    } catch {
      // See above.
    }
  }
}
