/** An answer that is none: what the node, or the way to it, said instead. */
export class RestError extends Error {
  constructor(
    /** HTTP status; 0: nobody answered. */
    readonly status: number,
    /** The node's short word for it, or empty. */
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "RestError";
  }

  /** The node does not know this address: it is older than the page, or has no such thing. */
  get missing(): boolean {
    return this.status === 404;
  }
}

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Where requests go and with what; both may change while the page lives. */
export interface RestSettings {
  /** Origin of the node. */
  readonly url: () => string | undefined;
  readonly token: () => string | null;
}

const timeoutMs = 10_000;

/** The HTTP API of the node, `/api/v1/`. Answers are not judged here. */
export class Rest {
  constructor(
    private readonly settings: RestSettings,
    private readonly fetcher: typeof fetch = (...asked) => fetch(...asked),
  ) {}

  get(path: string): Promise<unknown> {
    return this.ask("GET", path);
  }

  post(path: string, body: unknown): Promise<unknown> {
    return this.ask("POST", path, body);
  }

  put(path: string, body: unknown): Promise<unknown> {
    return this.ask("PUT", path, body);
  }

  delete(path: string): Promise<unknown> {
    return this.ask("DELETE", path);
  }

  /** Throws nothing but `RestError`. */
  private async ask(method: Method, path: string, body?: unknown): Promise<unknown> {
    const url = this.settings.url();
    if (url === undefined) throw new RestError(0, "", "");
    const token = this.settings.token();
    const headers: Record<string, string> = { Accept: "application/json" };
    if (token !== null) headers["Authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer: Response;
    let said: unknown;
    try {
      answer = await this.fetcher(`${url}/api/v1/${path}`, {
        method,
        headers,
        body: body === undefined ? null : JSON.stringify(body),
        cache: "no-store",
        // For an identity that a proxy in front keeps in a cookie of the page's own origin.
        credentials: "same-origin",
        redirect: "error",
        signal: AbortSignal.timeout(timeoutMs),
      });
      said = readJson(await answer.text());
    } catch (error) {
      throw new RestError(0, "", error instanceof Error ? error.message : "");
    }
    if (answer.ok) return said;
    const { code, message } = errorOf(said);
    throw new RestError(answer.status, code, message);
  }
}

function readJson(text: string): unknown {
  try {
    return text === "" ? null : (JSON.parse(text) as unknown);
  } catch {
    return null;
  }
}

function errorOf(said: unknown): { code: string; message: string } {
  const error = (said as { error?: unknown } | null)?.error;
  if (typeof error === "string") return { code: "", message: error };
  const { code, message } = (error ?? {}) as { code?: unknown; message?: unknown };
  return {
    code: typeof code === "string" ? code : "",
    message: typeof message === "string" ? message : "",
  };
}

/** An id, a rule's name: whatever is in it, one part of a path. */
export function part(value: string): string {
  return encodeURIComponent(value);
}
