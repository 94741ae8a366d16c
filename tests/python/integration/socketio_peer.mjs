// A peer for the tests of mad.socketio: socket.io-client, or socket.io as a server. Told what to do
// in lines of JSON; says what came of it in lines of JSON. A parser is named by its package.
//
//     node socketio_peer.mjs client|server [PACKAGE [SETTINGS]]
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { cwd } from 'node:process';
import { createInterface } from 'node:readline';

const require = createRequire(`${cwd()}/`);
const say = (what) => console.log(JSON.stringify(what));

// Bytes as they are shown in a line.
const shown = (value) => {
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') };
  if (Array.isArray(value)) return value.map(shown);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]));
};
const meant = (value) => {
  if (Array.isArray(value)) return value.map(meant);
  if (value === null || typeof value !== 'object') return value;
  if ('bytes' in value) return Buffer.from(value.bytes, 'hex');
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, meant(inner)]));
};

const settings = JSON.parse(process.argv[4] ?? '{}');
if (settings.parser) settings.parser = require(settings.parser);

function serve() {
  const library = require(process.argv[3] ?? 'socket.io');
  const server = new (library.Server ?? library)(settings);
  for (const name of ['/', '/other']) {
    server.of(name).use((socket, next) => {
      if (!socket.handshake.auth?.refuse) return next();
      const error = new Error('refused');
      error.data = { why: socket.handshake.auth.refuse };
      return next(error);
    });
    server.of(name).on('connection', (socket) => {
      socket.emit('welcome', name, socket.handshake.auth, socket.handshake.headers['x-test'] ?? null);
      if (settings.connectionStateRecovery) socket.join('all');
      socket.use(([event], next) => next(event === 'forbidden' ? new Error('forbidden') : undefined));
      socket.on('error', () => {});
      socket.on('news later', (text) => socket.on('disconnect', () => server.to('all').emit('news', text)));
      socket.on('echo', (...args) => args.pop()(...args));
      socket.on('ask', async (value, answer) => {
        answer(await socket.timeout(5000).emitWithAck('question', value));
      });
      socket.on('burst', (n) => {
        for (let i = 0; i < n; ++i) socket.emit('number', i);
      });
      socket.on('leave', () => socket.disconnect());
      socket.on('drop', () => socket.conn.close());
    });
  }
  const http = createServer().listen(0, '127.0.0.1', () => say(`http://127.0.0.1:${http.address().port}`));
  server.attach(http);
}

function connect() {
  const io = require(process.argv[3] ?? 'socket.io-client');
  let socket;
  const commands = {
    connect: (url, options) => {
      socket = io(url, { forceNew: true, reconnectionDelay: 10, ...settings, ...options });
      socket.on('connect', () => say(['connect']));
      socket.on('disconnect', (reason) => say(['disconnect', reason]));
      socket.on('connect_error', (e) => say(['connect_error', e.message, e.data ?? null]));
      socket.on('question', (value, answer) => answer(value));
      socket.on('many', (answer) => answer(1, 'two'));
      // Not in 2.x: there the events are told by name.
      const each = (fn) => (socket.onAny ? socket.onAny(fn) : socket.on('news', (...a) => fn('news', ...a)));
      each((event, ...args) => {
        if (event !== 'question' && event !== 'many') say([event, ...shown(args)]);
      });
    },
    emit: (event, ...args) => socket.emit(event, ...meant(args)),
    call: async (event, ...args) => {
      const answer = await new Promise((resolve) => {
        socket.emit(event, ...meant(args), (...values) => resolve(values));
      });
      say(['answer', ...shown(answer)]);
    },
    drop: () => socket.io.engine.close(),
    recovered: () => say([socket.recovered, socket.id]),
    close: () => socket.close(),
  };
  createInterface({ input: process.stdin }).on('line', (line) => {
    const [name, ...args] = JSON.parse(line);
    commands[name](...args);
  });
}

if (process.argv[2] === 'server') serve();
else connect();
process.stdin.on('end', () => process.exit());
process.stdin.resume();
