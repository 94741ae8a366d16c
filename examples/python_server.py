"""A chat on the native server; examples/node_client.mjs is a client of it.

python examples/python_server.py [PORT]"""

import sys

from mad.socketio import (
    ConnectionRefusedError,
    DisconnectedError,
    Handshake,
    Server,
    Socket,
    TimedOutError,
)

io = Server(int(sys.argv[1]) if len(sys.argv) > 1 else 3000)


@io.event
def connect(sock: Socket, handshake: Handshake) -> None:
    name = handshake.auth.get("name")
    if not name:
        raise ConnectionRefusedError("a name is needed", {"field": "name"})
    sock.data["name"] = name


@io.event
def join(sock: Socket, room: str) -> int:
    """The answer is the number of those who are there."""
    sock.join(room)
    sock.broadcast("joined", room, sock.data["name"], to=room)
    return len(io.sockets(room=room))


@io.event
def say(sock: Socket, room: str, text: str) -> None:
    io.emit("said", room, sock.data["name"], text, to=room)


@io.event
async def vote(sock: Socket, room: str, question: str) -> list[str]:
    """Asks everybody else in the room; who has not answered in time has no vote."""
    try:
        return await io.to(room).skip(sock).call("vote", question, timeout=5)
    except (TimedOutError, DisconnectedError) as error:
        return error.answers


@io.event
def checksum(_sock: Socket, data: bytes) -> int:
    return sum(data) % 256


@io.event
async def introduce(sock: Socket) -> str:
    """Asks back before it answers: a coroutine, so others go on meanwhile."""
    language = await sock.call("which language?", timeout=5)
    return f"{sock.data['name']} speaks {language}"


@io.event
def disconnect(sock: Socket, reason: str) -> None:
    print(f"{sock.data['name']} left: {reason}", flush=True)


if __name__ == "__main__":
    io.start()
    print(f"ready {io.url}", flush=True)
    io.serve_forever()
