"""What comes over the wire that is no proper request: refused, without harm to others or noise on the terminal."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from answering import TOKEN, picture
from hosting import serving

from zoo.web import requests

if TYPE_CHECKING:
    from zoo.web.shelf import Shelf

HEAD = f"Host: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"


@pytest.fixture(scope="module")
def port(shelf: Shelf) -> Iterator[int]:
    """The port of a server."""
    with serving(shelf) as url:
        yield urlsplit(url).port or 0


def asked(port: int, data: bytes) -> tuple[int, bytes]:
    """The status and the body that bytes are answered with; the connection is kept until the server ends it."""
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as line:
        line.sendall(data)
        answer = b""
        while part := line.recv(65536):
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def post(body: bytes, length: object, path: str = "/run/tiny.test") -> bytes:
    return f"POST {path} HTTP/1.1\r\n{HEAD}Connection: close\r\nContent-Length: {length}\r\n\r\n".encode() + body


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (post(picture(), len(picture())), 200),
        (post(picture((90, 90)), 40), 422),
        (post(b"", -5), 400),
        (post(b"", 10**15), 413),
        (post(b"abcdef", "5\r\nContent-Length: 6"), 400),
        (f"POST /run/tiny.test HTTP/1.1\r\n{HEAD}Transfer-Encoding: chunked\r\n\r\nZZ\r\n".encode(), 400),
        (b"\x00\xff\xfe" * 99 + b"\r\n\r\n", 400),
        (b"GET /models HTTP/1.1\r\n\r\n", 400),
        (f"GET /models HTTP/1.1\r\n{HEAD}Host: evil.example\r\n\r\n".encode(), 400),
        (f"GET http://evil.example/models HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode(), 404),
        (f"GET /models/%00%ff HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode(), 404),
    ],
)
def test_what_is_no_request_is_refused(port: int, data: bytes, status: int) -> None:
    assert asked(port, data)[0] == status


def test_a_body_that_does_not_come_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", 0.1)
    status, body = asked(port, post(b"abc", 1000))
    assert (status, json.loads(body)) == (408, {"error": "the body did not come within 0.1 seconds"})


def test_who_leaves_in_the_middle_is_no_fault(port: int, caplog: pytest.LogCaptureFixture) -> None:
    came, read = threading.Event(), requests.read_body

    async def noted(*given: object) -> bytes:
        came.set()
        return await read(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(requests, "read_body", noted)
        with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as line:
            line.sendall(post(b"abc", 1000))
            assert came.wait(60)
    for _ in range(3):  # answered after the one that left was noticed
        assert asked(port, post(picture(), len(picture())))[0] == 200
    assert not caplog.records
