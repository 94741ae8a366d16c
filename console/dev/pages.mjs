// Serves the built page as mad-web does: from memory, under the same content policy.

import { readdirSync, readFileSync } from "node:fs";
import { extname, join, relative, sep } from "node:path";

const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

function load(root) {
  const files = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const full = join(entry.parentPath ?? entry.path, entry.name);
    files.set(`/${relative(root, full).split(sep).join("/")}`, readFileSync(full));
  }
  return files;
}

function policy(apiUrl) {
  const origins = apiUrl === "" ? "" : ` ${apiUrl} ${apiUrl.replace(/^http/, "ws")}`;
  return [
    "default-src 'self'",
    `connect-src 'self'${origins}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}

/** A handler for `http.createServer` that answers with the build under `root`. */
export function pages(root, config) {
  const files = load(root);
  const headers = {
    "Content-Security-Policy": policy(config.api_url),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
  };
  return (request, response) => {
    const path = new URL(request.url, "http://page").pathname;
    const deep = path === "/rules" || path.startsWith("/host/");
    const name = path === "/" || deep ? "/index.html" : path;
    if (name === "/config.json") {
      response.writeHead(200, { ...headers, "Content-Type": "application/json" });
      response.end(JSON.stringify(config));
    } else if (files.has(name)) {
      response.writeHead(200, { ...headers, "Content-Type": types[extname(name)] ?? "" });
      response.end(files.get(name));
    } else {
      response.writeHead(404, headers).end();
    }
  };
}
