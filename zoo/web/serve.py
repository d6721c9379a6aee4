"""Running the server: a socket, a token, the address told and the browser opened once it answers."""

from __future__ import annotations

import ipaddress
import secrets
import socket
import threading
import webbrowser
from collections.abc import Callable
from typing import TYPE_CHECKING

import uvicorn

from zoo.errors import UsageError

if TYPE_CHECKING:
    from starlette.types import ASGIApp


class Announced(uvicorn.Server):
    """A server that says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets=sockets)
        self._ready()


def new_token() -> str:
    """A token that can't be guessed."""
    return secrets.token_urlsafe(24)


def is_loopback(host: str) -> bool:
    """Whether an address to listen at can be reached from this machine only."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; a `port` of 0 is any that is free. Raises UsageError where there is no such place."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        advice = "; leave --port out for any that is free" if port else ""
        raise UsageError(f"can't listen at {host}, port {port}: {error.strerror or error}{advice}") from error


def address(listening: socket.socket, host: str, token: str, path: str = "") -> str:
    """What to open in a browser. The token is in the part that browsers don't send: no log, no other site sees it."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host  # noqa: S104 - it is only compared
    bracketed = f"[{shown}]" if ":" in shown else shown
    return f"http://{bracketed}:{listening.getsockname()[1]}/#token={token}{path}"


def serve(app: ASGIApp, listening: socket.socket, ready: Callable[[], None], url: str = "") -> None:
    """Answer until interrupted; `ready` is called when the server answers, and `url`, if given, opened in a browser."""

    def started() -> None:
        ready()
        if url:
            threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()

    config = uvicorn.Config(
        app,
        http="h11",
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_level="error",  # what clients send wrong is told to them, not to the terminal
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=32 * 1024,
        timeout_graceful_shutdown=3,
    )
    Announced(config, started).run(sockets=[listening])
