"""python-socketio as a client of the matrix: commands in, reports out, one JSON object a line.

Bytes are {"$bytes": base64}. python_client.mjs is the other side and says what the rows ask for.
"""

import asyncio
import base64
import json
import sys
from contextlib import suppress
from itertools import count
from typing import ClassVar

import engineio.payload
import socketio

# The default of 16 is for servers; it would make a client refuse the answer to a slow poll.
engineio.payload.Payload.max_decode_packets = 10_000

PING, PONG = 2, 3


def packed(value):
    if isinstance(value, bytes | bytearray):
        return {"$bytes": base64.b64encode(value).decode()}
    if isinstance(value, list | tuple):
        return [packed(each) for each in value]
    if isinstance(value, dict):
        return {key: packed(each) for key, each in value.items()}
    return value


def unpacked(value):
    if isinstance(value, list):
        return [unpacked(each) for each in value]
    if isinstance(value, dict):
        if value.keys() == {"$bytes"}:
            return base64.b64decode(value["$bytes"])
        return {key: unpacked(each) for key, each in value.items()}
    return value


def say(**report):
    sys.stdout.write(json.dumps(report) + "\n")
    sys.stdout.flush()


class Client(socketio.AsyncClient):
    """Reports what happens to it in each of its namespaces."""

    questions = count()
    unanswered: ClassVar[dict[int, asyncio.Future]] = {}

    def __init__(self, number, nsps, **options):
        super().__init__(handle_sigint=False, randomization_factor=0, **options)
        self.number = number
        self.eio._receive_packet = self.reporting(self.eio._receive_packet)
        for nsp in nsps:
            for event in ("connect", "connect_error", "disconnect", "question", "*"):
                self.on(event, self.listener(event, nsp), namespace=nsp)

    def reporting(self, receive):
        async def receive_and_report(packet):
            if packet.packet_type == PING:
                say(peer=self.number, heartbeat=True)
            await receive(packet)

        return receive_and_report

    def listener(self, name, nsp):
        def report(*args):
            event, *args = args if name == "*" else (name, *args)
            about = {"peer": self.number, "nsp": nsp, "event": event, "args": packed(args)}
            if event == "connect":
                about |= {"id": self.get_sid(nsp), "engine": self.eio.sid}
            say(**about, wire=self.transport())

        async def ask(*args):
            question = next(self.questions)
            answer = self.unanswered[question] = asyncio.get_running_loop().create_future()
            about = {"peer": self.number, "nsp": nsp, "event": name, "args": packed(args)}
            say(**about, question=question)
            return tuple(await answer)

        return ask if name == "question" else report

    async def connect(self, *args, **options):
        # Waiting for the namespaces is the rows' business, and one that is refused is no failure.
        await super().connect(*args, **(options | {"wait": False}))

    async def mute(self):
        send = self.eio._send_packet

        async def send_but_pong(packet):
            if packet.packet_type != PONG:
                await send(packet)

        self.eio._send_packet = send_but_pong


class Commands:
    def __init__(self):
        self.clients = {}
        self.running = set()

    async def open(self, peer, url, nsps, transports, auth, reconnection):
        options = {"reconnection": reconnection, "reconnection_delay": 0.01}
        client = Client(peer, nsps, **options, reconnection_delay_max=0.05)
        self.clients[peer] = client
        connecting = client.connect(url, auth=auth, transports=transports, namespaces=nsps)
        self.start(self.unless_refused(connecting))

    async def unless_refused(self, connecting):
        with suppress(socketio.exceptions.ConnectionError):  # reported as connect_error
            await connecting

    def start(self, work):
        task = asyncio.create_task(work)
        self.running.add(task)
        task.add_done_callback(self.running.discard)

    async def emit(self, peer, nsp, args, ack=None):
        event, *data = unpacked(args)
        callback = None
        if ack is not None:

            def callback(*back):
                say(peer=peer, ack=ack, args=packed(back))

        await self.clients[peer].emit(event, tuple(data), namespace=nsp, callback=callback)

    async def answer(self, question, args):
        Client.unanswered.pop(question).set_result(unpacked(args))

    async def leave(self, peer):
        self.start(self.clients[peer].disconnect())

    async def mute(self, peer):
        await self.clients[peer].mute()

    async def close(self, peer):
        self.start(self.clients.pop(peer).shutdown())


async def main():
    lines = asyncio.StreamReader(limit=1 << 26)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    commands = Commands()
    print("ready python-client", flush=True)
    while line := await lines.readline():
        command = json.loads(line)
        try:
            await getattr(commands, command.pop("do"))(**command)
        except Exception as error:
            say(peer=command.get("peer"), failure=repr(error))


asyncio.run(main())
