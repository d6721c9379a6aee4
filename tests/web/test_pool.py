"""The queue: bounded, and without what nobody waits for."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from answering import AUTHORIZATION, HOST, TOKEN, picture
from starlette.testclient import TestClient

from zoo.web.app import make_app
from zoo.web.pool import BusyError, Pool, StaleError
from zoo.web.shelf import Shelf


def held(test: Callable[[Pool, threading.Event], Awaitable[None]], waiting: int = 2) -> None:
    """Run a test with a pool of one thread, which works until an event is set."""
    pool, release = Pool(1, waiting), threading.Event()

    async def run() -> None:
        first = asyncio.ensure_future(pool.run(lambda: release.wait(30)))
        await asyncio.sleep(0)  # until it is handed to the thread
        try:
            await test(pool, release)
        finally:
            release.set()
            assert await first
            pool.close()

    # In a thread of its own: the tests in a browser leave an event loop behind in the main one.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(run())).result()


def test_a_newer_request_of_a_lane_takes_the_place_of_one_that_waits() -> None:
    done: list[int] = []

    async def test(pool: Pool, release: threading.Event) -> None:
        def work(number: int) -> Callable[[], None]:
            return lambda: done.append(number)

        waiting = [asyncio.ensure_future(pool.run(work(number), "slider")) for number in range(20)]
        other = asyncio.ensure_future(pool.run(work(100), "another"))
        await asyncio.sleep(0)
        release.set()
        ends = await asyncio.gather(*waiting, return_exceptions=True)
        await other
        assert [type(end) for end in ends] == [StaleError] * 19 + [type(None)]

    held(test)
    assert done == [19, 100]


def test_work_of_a_client_who_left_is_forgotten() -> None:
    done: list[str] = []

    async def test(pool: Pool, release: threading.Event) -> None:
        async def leave() -> None:
            return

        with pytest.raises(StaleError):
            await pool.run(lambda: done.append("left"), gone=leave())
        release.set()
        await pool.run(lambda: done.append("stayed"))

    held(test)
    assert done == ["stayed"]


def test_what_fails_is_told_to_who_waits() -> None:
    async def test(pool: Pool, release: threading.Event) -> None:
        release.set()
        with pytest.raises(ZeroDivisionError):
            await pool.run(lambda: 1 // 0)

    held(test)


def test_only_so_many_are_admitted() -> None:
    pool = Pool(1, 2)
    with pool.admitted(), pool.admitted():
        with pool.admitted(), pytest.raises(BusyError, match="3 requests in hand"), pool.admitted():
            pass
        with pool.admitted():
            pass
    pool.close()


def test_many_requests_at_once_are_answered_or_told_to_wait(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    count, full, answers = 50, threading.Event(), list[Any]()
    opened, find = threading.Semaphore(0), shelf.open

    def slow(name: str) -> Any:
        opened.release()
        full.wait(30)
        return find(name)

    monkeypatch.setattr(shelf, "open", slow)
    data = picture()
    with TestClient(make_app(shelf, TOKEN, workers=2, waiting=8), HOST, headers=AUTHORIZATION) as client:

        def ask() -> None:
            answers.append(client.post("/run/tiny.test", content=data))
            if sum(answer.status_code == 503 for answer in answers) == count - 10:
                full.set()

        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [503] * 40
    refusals = [answer for answer in answers if answer.status_code == 503]
    assert all(answer.headers["retry-after"] == "1" and "try again" in answer.json()["error"] for answer in refusals)
