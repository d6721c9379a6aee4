"""Below the Hub's client: bytes on their way, held to a number and to the time that the whole call has.

The client's own timeouts begin anew with every byte, so that an answer whose head comes a byte at a time never ends.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import httpcore2
import httpx2

from zoo.errors import IntegrityError

if TYPE_CHECKING:
    from zoo.checkpoints.hub.guard import Call


def hold_to_time(client: httpx2.Client, current: Callable[[], Call]) -> None:
    """Let every read and write of the client's connections, through proxies too, end when its call must end."""
    transports: list[Any] = [client._transport, *client._mounts.values()]
    for transport in transports:
        if transport is not None:
            transport._pool._network_backend = _Network(transport._pool._network_backend, current)


class _Network(httpcore2.NetworkBackend):
    """Connections that know how long they have."""

    def __init__(self, inner: httpcore2.NetworkBackend, current: Callable[[], Call]) -> None:
        self._inner, self._current = inner, current

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, *args: Any, **settings: Any
    ) -> httpcore2.NetworkStream:
        left = _least(timeout, self._current())
        return _Stream(self._inner.connect_tcp(host, port, left, *args, **settings), self._current)

    def connect_unix_socket(self, *args: Any, **settings: Any) -> httpcore2.NetworkStream:
        return _Stream(self._inner.connect_unix_socket(*args, **settings), self._current)

    def sleep(self, seconds: float) -> None:
        self._inner.sleep(min(seconds, self._current().remaining()))


class _Stream(httpcore2.NetworkStream):
    """One connection."""

    def __init__(self, inner: httpcore2.NetworkStream, current: Callable[[], Call]) -> None:
        self._inner, self._current = inner, current

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, _least(timeout, self._current()))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        call = self._current()
        self._inner.write(buffer, _least(timeout, call))
        call.progressed()

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _least(timeout, self._current())
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, left), self._current)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


def _least(timeout: float | None, call: Call) -> float:
    left = call.remaining()
    return left if timeout is None else min(timeout, left)


class Bounded(httpx2.SyncByteStream):
    """The body of an answer, up to a number of bytes."""

    def __init__(self, stream: httpx2.SyncByteStream, call: Call, limit: int) -> None:
        self._stream, self._call, self._limit = stream, call, limit

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._blocks()
        except httpx2.TransportError as error:
            self._call.failed(f"the connection is too unstable ({str(error) or type(error).__name__})")
            raise

    def _blocks(self) -> Iterator[bytes]:
        count = 0
        for block in self._stream:
            count += len(block)
            if count > self._limit:
                raise IntegrityError(f"{self._call.subject}: the answer is longer than its {self._limit} bytes")
            self._call.progressed()
            yield block

    def close(self) -> None:
        """Let go of the connection."""
        self._stream.close()
