from typing import Any, final

version: str

# A namespace, rooms (all of it when there are none), and rooms that are not meant.
_Audience = tuple[str, list[str], list[str]]
# Id, rooms, data, handshake.
_Found = tuple[str, list[str], Any, Any]

@final
class Sampler:
    def __init__(
        self,
        *,
        interval: float,
        scope: str,
        procfs: str,
        sysfs: str,
        rootfs: str,
        nics: list[str],
        no_nics: list[str],
        network_mounts: bool,
        disk_temperatures: bool,
    ) -> None: ...
    def take_json(self) -> str: ...

class _Server:
    def start(self) -> None: ...
    def stop(self, drain: float) -> None: ...
    @property
    def running(self) -> bool: ...
    @property
    def url(self) -> str: ...

@final
class LogBox:
    def __init__(self) -> None: ...
    def inbox(self) -> Inbox: ...
    def set_level(self, level: int) -> None: ...
    def take_lost(self) -> int: ...
    @property
    def users(self) -> int: ...

@final
class ApiServer(_Server):
    def __init__(
        self, *, host: str, port: int, cors_origins: list[str], threads: int, log: LogBox
    ) -> None: ...

@final
class WebServer(_Server):
    def __init__(self, *, host: str, port: int, api_url: str, root: str, log: LogBox) -> None: ...

@final
class Agent(_Server):
    def __init__(
        self, *, api_url: str, id: str, interval: float, tags: list[str], log: LogBox
    ) -> None: ...
    @property
    def id(self) -> str: ...

@final
class Proxy(_Server):
    def __init__(
        self,
        *,
        host: str,
        port: int,
        upstreams: list[str],
        web: str,
        affinity: str,
        trust: list[str],
        path: str,
        health: str,
        cookie_secret: bytes,
        cross_site_cookie: bool,
        drain_grace: float,
        drain_over: float,
        max_connections: int,
        max_connections_per_address: int,
        max_rate_per_address: float,
        accept_proxy_protocol: bool,
        tls_cert: str,
        tls_key: str,
        ca_file: str,
        threads: int,
        log: LogBox,
    ) -> None: ...
    def upstreams(self) -> str: ...
    def add(self, url: str) -> None: ...
    def remove(self, name: str, force: bool) -> None: ...
    def drain(self, name: str) -> None: ...
    def undrain(self, name: str) -> None: ...
    def rebalance(self) -> None: ...

@final
class Inbox:
    def take(self, seconds: float) -> list[Any] | None: ...
    def drain(self) -> list[Any] | None: ...
    def fileno(self) -> int: ...

@final
class Answer:
    def send(self, *args: Any) -> None: ...

@final
class ServerSocket:
    @property
    def id(self) -> str: ...
    def accept(self) -> None: ...
    def refuse(self, message: str, data: Any) -> None: ...
    def emit(self, event: str, values: tuple[Any, ...], is_volatile: bool) -> None: ...
    def call(
        self, inbox: Inbox, token: int, event: str, values: tuple[Any, ...], timeout: float
    ) -> None: ...
    def call_blocking(
        self, event: str, values: tuple[Any, ...], timeout: float
    ) -> tuple[Any, ...]: ...
    def join(self, rooms: list[str]) -> None: ...
    def leave(self, room: str) -> None: ...
    def disconnect(self, close: bool) -> None: ...

@final
class SocketServer:
    def __init__(
        self,
        *,
        host: str,
        port: int,
        path: str,
        transports: list[str],
        allow_upgrades: bool,
        allow_eio3: bool,
        jsonp: bool,
        cors_origins: list[str],
        cors_credentials: bool,
        check_origin: bool,
        trusted_proxies: list[str],
        cookie: str,
        ping_interval: float,
        ping_timeout: float,
        connect_timeout: float,
        max_payload: int,
        max_connections: int,
        max_packet_rate: float,
        parser: str,
        compression: tuple[bool, bool, int, int, int, bool] | None,
        recovery: tuple[float, int, int, int] | None,
        client_folder: str,
        tls_cert: str,
        tls_key: str,
        threads: int,
        log: LogBox,
    ) -> None: ...
    def add_inbox(self) -> Inbox: ...
    def loop_inbox(self) -> Inbox: ...
    def open(self, nsp: str, coroutine: bool) -> None: ...
    def handle(self, nsp: str, event: str, handler: int, coroutine: bool) -> None: ...
    def start(self) -> None: ...
    def stop(self, drain: float) -> None: ...
    @property
    def url(self) -> str: ...
    @property
    def running(self) -> bool: ...
    @property
    def sessions(self) -> int: ...
    def handled(self, events: int) -> None: ...
    def emit(
        self,
        who: _Audience,
        event: str,
        values: tuple[Any, ...],
        is_volatile: bool,
        compress: bool,
    ) -> None: ...
    def call(
        self,
        inbox: Inbox,
        token: int,
        who: _Audience,
        event: str,
        values: tuple[Any, ...],
        timeout: float,
    ) -> None: ...
    def call_blocking(
        self, who: _Audience, event: str, values: tuple[Any, ...], timeout: float
    ) -> list[Any]: ...
    def fetch(self, inbox: Inbox, token: int, who: _Audience) -> None: ...
    def fetch_blocking(self, who: _Audience) -> list[_Found]: ...
    def join(self, who: _Audience, rooms: list[str]) -> None: ...
    def leave(self, who: _Audience, rooms: list[str]) -> None: ...
    def disconnect(self, who: _Audience, close: bool) -> None: ...
    def handle_server_side(self, nsp: str, event: str, handler: int, coroutine: bool) -> None: ...
    def server_side_emit(self, nsp: str, event: str, values: tuple[Any, ...]) -> None: ...
    def server_side_call(
        self,
        inbox: Inbox,
        token: int,
        nsp: str,
        event: str,
        values: tuple[Any, ...],
        timeout: float,
    ) -> None: ...
    def server_side_call_blocking(
        self, nsp: str, event: str, values: tuple[Any, ...], timeout: float
    ) -> list[Any]: ...

@final
class SocketClient:
    def __init__(
        self,
        *,
        url: str,
        path: str,
        transports: list[str],
        upgrade: bool,
        remember_upgrade: bool,
        try_all_transports: bool,
        revision: int,
        query: list[tuple[str, str]],
        headers: list[tuple[str, str]],
        proxy: str,
        cookies: bool,
        timeout: float,
        reconnection: bool,
        reconnection_attempts: int | None,
        reconnection_delay: float,
        reconnection_delay_max: float,
        randomization_factor: float,
        ack_timeout: float,
        retries: int,
        max_buffered_packets: int,
        max_buffered_bytes: int,
        max_payload: int,
        parser: str,
        compression: tuple[bool, bool, int, int, int, bool] | None,
        verify: bool,
        ca_file: str,
        log: LogBox,
    ) -> None: ...
    def inbox(self) -> Inbox: ...
    @property
    def default_nsp(self) -> str: ...
    def open(self, nsp: str) -> None: ...
    def handle(self, nsp: str, event: str, handler: int) -> None: ...
    def connect(self, nsp: str) -> None: ...
    def leave(self, nsp: str) -> None: ...
    def set_auth(self, nsp: str, value: dict[str, Any] | None) -> None: ...
    def ask_auth(self, nsp: str) -> None: ...
    def answer_auth(self, token: int, value: dict[str, Any] | None) -> None: ...
    def emit(self, nsp: str, event: str, values: tuple[Any, ...], is_volatile: bool) -> None: ...
    def call(
        self, token: int, nsp: str, event: str, values: tuple[Any, ...], timeout: float
    ) -> None: ...
    def call_blocking(
        self, nsp: str, event: str, values: tuple[Any, ...], timeout: float
    ) -> tuple[Any, ...]: ...
    def connected(self, nsp: str) -> bool: ...
    def transport(self) -> str: ...
    def handled(self, events: int) -> None: ...
    def drop_connection(self) -> None: ...
    def stop(self, seconds: float) -> None: ...
    @property
    def running(self) -> bool: ...
