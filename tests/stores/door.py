"""A door before a store, which counts the requests that go through and can be told to spoil some."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler

# How many of the requests that a fault is for are spoiled: method, part of the path, how.
Fault = tuple[str, str, str]


@dataclass
class Door:
    """A proxy before the store: it counts requests, and spoils as many as it is told to."""

    store: int
    port: int = 0
    seen: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def spoil(self, times: int, method: str, part: str, how: str) -> None:
        """Spoil the next requests of this kind: "busy" and "gone" before they reach the store, "lost" after."""
        self.faults += [(method, part, how)] * times

    def fault(self, method: str, path: str) -> str:
        with self.lock:
            self.seen.append(f"{method} {path}")
            for fault in self.faults:
                if fault[0] == method and fault[1] in path:
                    self.faults.remove(fault)
                    return fault[2]
        return ""

    def count(self, method: str, part: str = "") -> int:
        return sum(line.startswith(f"{method} ") and part in line for line in self.seen)


class Handler(BaseHTTPRequestHandler):
    """Hands requests on to the store, unless the door is told to spoil them."""

    protocol_version = "HTTP/1.1"
    door: Door

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        how = self.door.fault(self.command, self.path)
        if how == "busy":
            self.answer(503, b"<Error><Code>SlowDown</Code><Message>reduce</Message></Error>", {})
        if how in ("busy", "gone"):
            self.close_connection = how == "gone"
            return
        connection = HTTPConnection("127.0.0.1", self.door.store)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        data = response.read()
        connection.close()
        self.close_connection = how in ("lost", "cut")
        if how != "lost":
            self.answer(response.status, data[: len(data) // 2] if how == "cut" else data, dict(response.headers))

    def answer(self, status: int, data: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        for name, value in ({"Content-Length": str(len(data))} | headers).items():
            if name.lower() not in ("connection", "transfer-encoding"):
                self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):  # the client has been killed
            self.wfile.write(b"" if self.command == "HEAD" else data)
            self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        pass
