// A client of examples/python_server.py; needs socket.io-client 4 (npm install socket.io-client).
//
//     node examples/node_client.mjs [URL]
import { createRequire } from 'node:module';
import { cwd } from 'node:process';

// From where it is started, so that the package need not lie beside this file.
const { io } = createRequire(`${cwd()}/`)('socket.io-client');

const url = process.argv[2] ?? 'http://127.0.0.1:3000';
const once = (socket, event) => new Promise((resolve) => socket.once(event, resolve));

const stranger = io(url, { forceNew: true });
const refusal = await once(stranger, 'connect_error');
console.log(`refused: ${refusal.message} ${JSON.stringify(refusal.data)}`);
stranger.close();

const ann = io(url, { forceNew: true, auth: { name: 'Ann' } });
const bob = io(url, { forceNew: true, auth: { name: 'Bob' } });
for (const socket of [ann, bob]) {
  socket.on('which language?', (answer) => answer('JavaScript'));
  socket.on('vote', (question, answer) => answer('yes'));
}

console.log(`in the room: ${await ann.emitWithAck('join', 'garden')}`);
const arrival = new Promise((resolve) => {
  ann.once('joined', (room, name) => resolve(`${name} came to the ${room}`));
});
console.log(`in the room: ${await bob.emitWithAck('join', 'garden')}`);
console.log(await arrival);

const heard = new Promise((resolve) => {
  ann.once('said', (room, name, text) => resolve(`${name} in the ${room}: ${text}`));
});
bob.emit('say', 'garden', 'Hello!');
console.log(await heard);

console.log(`votes: ${await ann.emitWithAck('vote', 'garden', 'Is it raining?')}`);

console.log(`checksum: ${await ann.emitWithAck('checksum', Buffer.from([1, 2, 253]))}`);
console.log(await bob.emitWithAck('introduce'));
ann.close();
bob.close();
