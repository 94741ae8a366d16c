// The flags that the test servers understand, native ones and these alike: `--name value`.

const units = { ms: 1, s: 1000, m: 60_000 };

/** "300ms" or "25s" in milliseconds. */
export function duration(text) {
  const [, number, unit] = /^(\d+)(ms|s|m)$/.exec(text) ?? [];
  if (!number) throw new Error(`not a duration: ${text}`);
  return Number(number) * units[unit];
}

/** "3000" or "127.0.0.1:3000"; loopback when there is no host. */
export function address(text) {
  const at = text.lastIndexOf(":");
  return { host: at < 0 ? "127.0.0.1" : text.slice(0, at), port: Number(text.slice(at + 1)) };
}

/** "on" or "off". */
export function onOff(text) {
  if (text !== "on" && text !== "off") throw new Error(`neither on nor off: ${text}`);
  return text === "on";
}

/** Reads `argv` by a table of flag → parser; an unknown flag ends the program with code 2. */
export function parse(argv, flags) {
  const values = {};
  for (let i = 0; i < argv.length; i += 2) {
    const read = flags[argv[i]];
    if (!read || i + 1 >= argv.length) {
      process.stderr.write(`wrong usage at ${argv[i]}\n`);
      process.exit(2);
    }
    values[argv[i].slice(2)] = read(argv[i + 1]);
  }
  return values;
}

/** Listens, then prints the line that says so. */
export function listen(http, name, { host, port }) {
  http.listen(port, host, () => {
    process.stdout.write(`ready ${name} http://${host}:${http.address().port}\n`);
  });
}

/** SIGTERM and SIGINT end the program with code 0. */
export function exitOnSignal(close = () => {}) {
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.once(signal, () => {
      close();
      process.exit(0);
    });
  }
}
