/** Where the page's server is, read at run time from `/config.json`. */
export interface Config {
  /** Origin to connect to; the page's own when the file has none. */
  readonly url: string;
  /** Engine path, with a slash at both ends. */
  readonly path: string;
  /** Version of mad that serves the page, or empty. */
  readonly version: string;
}

export const configPath = "/config.json";
const defaultPath = "/socket.io/";

function enginePath(prefix: string, path: string): string {
  const joined = `/${prefix}/${path}/`;
  return joined.replace(/\/+/g, "/");
}

/** Judges the settings; throws an `Error` that names the field when one cannot be used. */
export function readConfig(value: unknown, pageOrigin: string): Config {
  if (typeof value !== "object" || value === null) throw new Error("settings are not an object");
  const { api_url: api, path, version } = value as Record<string, unknown>;
  if (api !== undefined && typeof api !== "string") throw new Error("api_url is not text");
  if (path !== undefined && typeof path !== "string") throw new Error("path is not text");
  const url = new URL(api === undefined || api === "" ? pageOrigin : api, pageOrigin);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new Error("api_url is not an http or https address");
  }
  return {
    url: url.origin,
    path: enginePath(url.pathname, path ?? defaultPath),
    version: typeof version === "string" ? version : "",
  };
}

/** Fetches and judges the settings; gives up after `timeoutMs`. */
export async function loadConfig(
  pageOrigin: string,
  fetcher: typeof fetch = fetch,
  timeoutMs = 10_000,
): Promise<Config> {
  const answer = await fetcher(configPath, {
    cache: "no-store",
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!answer.ok) throw new Error(`${configPath} answered ${answer.status}`);
  return readConfig(await answer.json(), pageOrigin);
}
