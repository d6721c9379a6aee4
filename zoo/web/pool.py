"""What runs models for the server: one thread for each core, and a queue that is bounded and forgets what is stale."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from zoo.errors import ZooError

if TYPE_CHECKING:
    from collections.abc import Awaitable

T = TypeVar("T")


class BusyError(ZooError):
    """As many requests are being answered and waiting as may be."""


class StaleError(ZooError):
    """Nobody waits for this answer any more: a newer request of the same lane came, or the client left."""


class Pool:
    """Threads that work, and how many requests may be in them and before them."""

    def __init__(self, workers: int, waiting: int) -> None:
        self.workers = workers
        self._limit = workers + waiting
        self._inside = 0
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="zoo-web")
        self._lanes: dict[str, Future[object]] = {}

    @contextmanager
    def admitted(self) -> Iterator[None]:
        """A place for one request, taken before its body is read. Raises BusyError where none is free."""
        if self._inside >= self._limit:
            raise BusyError(f"the server has {self._limit} requests in hand, which is all it takes: try again")
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def run(self, work: Callable[[], T], lane: str = "", gone: Awaitable[object] | None = None) -> T:
        """What `work` returns, done by a thread. Raises what it raises.

        Of requests with one `lane`, a newer one takes the place of those that wait. `gone` ends when the client has
        left. Work that waits is then forgotten, with a StaleError; what a thread has begun is finished.
        """
        future = self._threads.submit(work)
        if lane:
            before = self._lanes.get(lane)
            if before:
                before.cancel()
            self._lanes[lane] = future  # type: ignore[assignment]  # of whatever result: it is only cancelled
        leaving = asyncio.ensure_future(gone) if gone else None
        waited = asyncio.wrap_future(future)
        waited.add_done_callback(lambda done: done.cancelled() or done.exception())  # else asyncio complains of it
        try:
            ends: list[asyncio.Future[Any]] = [waited, *([leaving] if leaving else [])]
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if not future.done():
                future.cancel()
                raise StaleError("the client has left")
            if future.cancelled():
                raise StaleError("a newer request took the place of this one")
            return future.result()
        finally:
            future.cancel()
            if leaving:
                leaving.cancel()
            if lane and self._lanes.get(lane) is future:
                del self._lanes[lane]

    def close(self) -> None:
        """Forget what waits; threads end with what they are at."""
        self._threads.shutdown(wait=False, cancel_futures=True)
