"""What can go wrong between a Hub and its client, as rules that the loopback Hub applies to requests that match."""

from __future__ import annotations

import re
import socket
import struct
import threading
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler
from typing import Any

BLOCK = 65536
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# What comes at once, and what comes after it again and again.
DRIPS = {
    "head": (b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "extension": (CHUNKED + b"2;a=", b"b"),
    "trailer": (CHUNKED + b"2\r\n[]\r\n0\r\n", b"X-A: b\r\n"),
}


@dataclass(frozen=True)
class Sent:
    """An answer on its way out."""

    status: int
    body: bytes
    headers: dict[str, str]


@dataclass
class Fault:
    """One rule. Kinds, with what they take:

    status (code, headers, body) answers with that; drip (part) sends a part of an answer that never ends; reset hangs
    up; hang answers nothing until `released` is set; redirect (to); headers (set, drop) changes headers; flip changes
    one byte of the body, swap (data) all of it, at the same length; cut (after) ends the body early, cut_each (every)
    after so many bytes of each answer, stall (after) goes silent in it, slow sends it in small pieces; longer (extra)
    and bomb (size) send more than is announced;
    whole answers a request for a range with everything; rewrite (by) changes the JSON; unsure answers 500 after the
    work is done.
    """

    kind: str
    path: re.Pattern[str]
    method: re.Pattern[str]
    times: int
    skip: int
    how: Mapping[str, Any]
    hits: int = 0
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)

    def strikes(self, method: str, path: str) -> bool:
        if self.times == 0 or not self.method.fullmatch(method) or not self.path.search(path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= self.times > 0
        self.hits += 1
        return True

    def before(self, handler: Any) -> bool:
        """Strike before anything is done; whether that was the answer."""
        if self.kind == "reset":
            hang_up(handler)
            return True
        if self.kind == "hang":
            self.reached.set()
            self.released.wait(60)
        if self.kind == "status":
            handler.reply(self.how["code"], self.how.get("body", b""), self.how.get("headers", {}))
        if self.kind == "drip":
            _drip(handler, *DRIPS[self.how["part"]])
        if self.kind == "redirect":
            handler.reply(302, b"", {"Location": self.how["to"], **self.how.get("headers", {})})
        return self.kind in ("status", "redirect", "hang", "drip")

    def after(self, handler: Any) -> None:
        """Strike when the work is done, and its answer is about to be sent."""
        if self.kind == "unsure":
            handler.reply(500)
            raise ConnectionAbortedError

    def rewritten(self, value: Any) -> Any:
        return self.how["by"](value) if self.kind == "rewrite" else value

    def changed(self, sent: Sent) -> Sent:
        """The answer with other headers or another body of the same length."""
        if self.kind == "headers":
            dropped = {name.lower() for name in (*self.how.get("drop", ()), *self.how.get("set", {}))}
            kept = {name: value for name, value in sent.headers.items() if name.lower() not in dropped}
            return replace(sent, headers={**kept, **self.how.get("set", {})})
        if self.kind == "flip" and sent.body:
            middle = len(sent.body) // 2
            body = sent.body[:middle] + bytes([sent.body[middle] ^ 1]) + sent.body[middle + 1 :]
            return replace(sent, body=body)
        if self.kind == "swap" and sent.body:
            data = self.how["data"]
            return replace(sent, body=(data * (len(sent.body) // len(data) + 1))[: len(sent.body)])
        return sent


def send(handler: BaseHTTPRequestHandler, sent: Sent, faults: list[Fault]) -> None:
    """Send an answer, as the faults have it."""
    for fault in faults:
        sent = fault.changed(sent)
    kinds = {fault.kind: fault for fault in faults}
    if handler.command == "GET" and sent.status == 200 and "whole" not in kinds:
        sent = _ranged(sent, handler.headers.get("Range"))
    headers = {"Content-Length": str(len(sent.body)), **sent.headers}
    oversized = kinds.get("longer") or kinds.get("bomb")
    if oversized and handler.command == "GET":
        del headers["Content-Length"]
        headers["Transfer-Encoding"] = "chunked"
        headers |= {"Content-Encoding": "gzip"} if oversized.kind == "bomb" else {}
    handler.send_response(sent.status)
    for name, value in headers.items():
        handler.send_header(name, value)
    handler.end_headers()
    if handler.command == "HEAD":
        return
    if oversized:
        _send_too_much(handler, sent.body, oversized)
    else:
        _send_body(handler, sent.body, kinds)


def hang_up(handler: Any) -> None:
    """Close the connection so that the other side gets an error, not an end."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _drip(handler: Any, begin: bytes, piece: bytes) -> None:
    """Until the other side hangs up, or for a minute."""
    handler.close_connection = True
    handler.wfile.write(begin)
    pause = threading.Event()
    for _ in range(300):
        handler.wfile.write(piece)
        handler.wfile.flush()
        pause.wait(0.2)


def _ranged(sent: Sent, wanted: str | None) -> Sent:
    if not wanted:
        return sent
    start = int(wanted.removeprefix("bytes=").split("-")[0])
    place = f"bytes {start}-{len(sent.body) - 1}/{len(sent.body)}"
    return Sent(206, sent.body[start:], {**sent.headers, "Content-Range": place})


def _send_body(handler: BaseHTTPRequestHandler, body: bytes, kinds: Mapping[str, Fault]) -> None:
    if cut := kinds.get("cut"):
        handler.wfile.write(body[: cut.how["after"]])
        handler.wfile.flush()
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)
        return
    if stall := kinds.get("stall"):
        handler.wfile.write(body[: stall.how["after"]])
        handler.wfile.flush()
        stall.reached.set()
        stall.released.wait(60)
        body = body[stall.how["after"] :]
    if slow := kinds.get("slow"):
        pause = threading.Event()
        for start in range(0, len(body), slow.how["size"]):
            handler.wfile.write(body[start : start + slow.how["size"]])
            handler.wfile.flush()
            pause.wait(slow.how["pause"])
        return
    handler.wfile.write(body)


def _send_too_much(handler: BaseHTTPRequestHandler, body: bytes, fault: Fault) -> None:
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    if fault.kind == "longer":
        _chunk(handler, body)
    for _ in range(fault.how["size"] // BLOCK):
        _chunk(handler, bytes(BLOCK) if fault.kind == "longer" else packer.compress(bytes(BLOCK)))
    if fault.kind == "bomb":
        _chunk(handler, packer.flush())
    handler.wfile.write(b"0\r\n\r\n")


def _chunk(handler: BaseHTTPRequestHandler, data: bytes) -> None:
    if data:
        handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
