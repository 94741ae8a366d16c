// The HTTP API of a node over the made-up fleet: `/api/v1/` as the page asks it. With tokens the
// words "admin", "viewer", "old" (expired) and "agent" are tokens; without, everybody is an admin.

const presets = [
  { name: "storage", metric: "storage", warn: 85, crit: 95 },
  { name: "inodes", metric: "inodes", warn: 85, crit: 95 },
  { name: "cpu", metric: "cpu", warn: 85, crit: 95, for: 60 },
  { name: "steal", metric: "steal", warn: 10, crit: 25, for: 60 },
  { name: "mem", metric: "mem", warn: 85, crit: 95, for: 30 },
  { name: "swap", metric: "swap", warn: 50, crit: 80, for: 60 },
  { name: "load", metric: "load_per_cpu", warn: 2, crit: 4, for: 60 },
  { name: "psi_cpu", metric: "psi_cpu", warn: 40, crit: 70, for: 60 },
  { name: "psi_mem", metric: "psi_mem", warn: 5, crit: 15, for: 30 },
  { name: "psi_io", metric: "psi_io", warn: 20, crit: 50, for: 30 },
  { name: "temp", metric: "temp", warn: 80, crit: 95, own_limit: 10 },
  { name: "read_only", metric: "read_only", crit: 1 },
  { name: "clock", metric: "clock", warn: 5 },
];

const roles = { admin: "admin", viewer: "viewer", agent: "agent" };

function preset(rule) {
  return { below: false, for: 0, match: "", enabled: true, source: "preset", ...rule };
}

async function bodyOf(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text === "" ? {} : JSON.parse(text);
}

/**
 * `fleet`: `find(id)` gives a row with its `record`, or nothing; `states(id)` its log, newest
 * first; `forget(id)` is false for hosts that are connected. The result answers a request of
 * node:http under `/api/v1/` and says false for all others; `who(token)` is a role, or a word of
 * refusal behind a `!`.
 */
export function mockRest(fleet, { tokens = false } = {}) {
  let rules = presets.map(preset);
  let mutes = [{ id: "mute-1", match: "role:db", until: Date.now() + 7_200_000, reason: "disks" }];
  const links = new Set();
  let made = 1;

  const who = (token) => {
    if (!tokens) return "admin";
    if (token === undefined) return "!token_needed";
    if (token === "old") return "!token_expired";
    if (links.has(token)) return "viewer";
    return roles[token] ?? "!token_unknown";
  };

  const operations = {
    "GET session": (_, { role, token }) => ({
      name: tokens ? (links.has(token) ? "link" : token) : "local",
      role,
      anonymous: !tokens,
      expires: links.has(token) ? Date.now() + 3_600_000 : null,
    }),
    "GET clients": (id) => fleet.find(id),
    "DELETE clients": (id) => {
      if (!fleet.find(id)) return undefined;
      return fleet.forget(id) ? null : 409;
    },
    "GET states": (_, { query }) => ({ states: fleet.states(query.get("id")) }),
    "GET rules": () => ({ rules }),
    "PUT rules": (name, { body }) => {
      const rule = preset({ ...body, name, source: "override" });
      rules = rules.map((of) => (of.name === name ? rule : of));
      return rule;
    },
    "DELETE rules": (name) => {
      rules = rules.map((of) =>
        of.name === name ? preset(presets.find((p) => p.name === name)) : of,
      );
      return null;
    },
    "GET mutes": () => ({ mutes }),
    "POST mutes": (_, { body }) => {
      made += 1;
      const mute = { id: `mute-${made}`, match: body.match, until: Date.now() + body.for * 1000 };
      mutes = [...mutes, { ...mute, reason: body.reason ?? "" }];
      return mute;
    },
    "DELETE mutes": (id) => {
      mutes = mutes.filter((mute) => mute.id !== id);
      return null;
    },
    "POST links": (_, { body }) => {
      const token = `link-${Math.random().toString(36).slice(2)}`;
      links.add(token);
      return { token, expires: Date.now() + body.expires_in * 1000 };
    },
  };

  const answer = async (request, response) => {
    const url = new URL(request.url, "http://node");
    const [kind, id = ""] = url.pathname
      .slice("/api/v1/".length)
      .split("/")
      .map(decodeURIComponent);
    const token = request.headers.authorization?.replace(/^Bearer /, "");
    const say = (status, body) => {
      response.writeHead(status, { "Content-Type": "application/json" });
      response.end(body === null ? "" : JSON.stringify(body));
    };
    const no = (status, code) => say(status, { error: { code, message: code } });
    const role = who(token);
    if (role.startsWith("!")) return no(401, role.slice(1));
    const operation = operations[`${request.method} ${kind}`];
    if (operation === undefined) return no(404, "not_found");
    const may = request.method === "GET" || role === "admin";
    if (!may) return no(403, "may_not_manage");
    const body = await bodyOf(request);
    const said = operation(id, { body, role, token, query: url.searchParams });
    if (said === undefined || said === 409) return no(said ?? 404, said ? "conflict" : "not_found");
    return say(said === null ? 204 : 200, said);
  };

  const handle = (request, response) => {
    if (!request.url.startsWith("/api/v1/")) return false;
    answer(request, response).catch(() => response.writeHead(400).end());
    return true;
  };
  return Object.assign(handle, { who });
}
