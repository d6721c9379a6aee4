"""A guard on every request of the Hub's client, since it trusts more than it should.

Left to itself (huggingface_hub 2.4) the client waits for ever where a server does not answer, writes outside its cache
where an ETag says so, downloads without end what is longer than announced, and sends the user's token to any address
that a page of a listing names as the next one. The guard is two hooks on the one HTTP client that all its calls share:
what it refuses never reaches the client's own code.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import urljoin, urlsplit

import httpx2
from huggingface_hub import constants, set_client_factory
from huggingface_hub.utils._http import default_client_factory  # it has no public name, and holds the offline switch
from huggingface_hub.utils.tqdm import disable_progress_bars

from zoo.checkpoints.hub.endpoint import shown
from zoo.checkpoints.hub.locking import TIMEOUT_VARIABLE, timeout
from zoo.checkpoints.hub.reference import is_commit
from zoo.checkpoints.hub.surroundings import check_certificates, check_endpoint, unusable, way_to_hub
from zoo.checkpoints.hub.wire import Bounded, hold_to_time
from zoo.errors import IntegrityError, NetworkError

MAX_TRIES = 3
MAX_WAIT = 60.0
MAX_ANSWER_BYTES = 8 * 1024 * 1024

logger = logging.getLogger("zoo.hub")

_HASH = re.compile(r'(?:W/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?')
PASSING = {408, 500, 502, 503, 504}
_installing, _installed = threading.Lock(), list[bool]()


@dataclass
class Call:
    """One thing asked of the Hub: what it is about in messages, how long it may take, how much it may bring.

    Nothing may happen for longer than `timeout`; where `steady` is false, all of it must be done by then. Of a file
    that is fetched, `limit` is the size and `digest` the hash that the listing of `commit` gives; None and "" where
    the answer is no file.
    """

    subject: str
    timeout: float = field(default_factory=timeout)
    steady: bool = False
    limit: int | None = None
    digest: str = ""
    commit: str = ""
    tries: int = MAX_TRIES
    failures: int = 0
    reason: str = ""
    deadline: float = 0.0
    place: int = 0

    def __post_init__(self) -> None:
        self.deadline = time.monotonic() + self.timeout

    def remaining(self) -> float:
        """Seconds until this call is given up. Raises NetworkError if that is now."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            what = self.reason or f"no answer from {way_to_hub()}"
            raise NetworkError(
                f"{self.subject}: {what}, given up after {self.timeout:g} s; try again later, or give it longer with "
                f"{TIMEOUT_VARIABLE}=SECONDS"
            )
        return left

    def progressed(self) -> None:
        """Something arrived."""
        if self.steady:
            self.deadline = time.monotonic() + self.timeout

    def failed(self, reason: str) -> None:
        """Count a failure that may pass; raises NetworkError when there were too many."""
        self.failures, self.reason = self.failures + 1, reason
        if self.failures >= self.tries:
            times = "" if self.failures == 1 else f", {self.failures} times in a row"
            raise NetworkError(f"{self.subject}: {reason}{times}; try again later")
        logger.info("%s; trying again", reason)

    def resumed(self, content_range: str) -> None:
        """A download continues; further on than before, what failed is forgotten."""
        place = content_range.removeprefix("bytes ").split("-")[0]
        if place.isdigit() and int(place) > self.place:
            self.failures, self.place = 0, int(place)

    def asked_to_wait(self, seconds: float) -> None:
        """The server wants to be left alone for a while; more than a minute is given up at once."""
        if seconds > MAX_WAIT:
            raise NetworkError(f"{self.subject}: the Hub has had too many requests and asks to wait {seconds:g} s")
        self.failures += 1
        if self.failures >= self.tries:
            raise NetworkError(f"{self.subject}: the Hub has had too many requests; try again in {seconds:g} s")
        logger.info("the Hub has had too many requests; waiting %g s", seconds)
        self.deadline += seconds + 2


_current: ContextVar[Call | None] = ContextVar("_current", default=None)
_shared: list[Call] = []


@contextlib.contextmanager
def asking(call: Call, *, threads: bool = False) -> Iterator[Call]:
    """Requests inside belong to this call; with `threads`, also those of threads that are started inside.

    They go over plain HTTP, where the guard sees them (Xet has a client of its own), and without telemetry.
    """
    install()
    token = _current.set(call)
    if threads:
        _shared.append(call)
    before = constants.HF_HUB_DISABLE_XET, constants.HF_HUB_DISABLE_TELEMETRY
    constants.HF_HUB_DISABLE_XET = constants.HF_HUB_DISABLE_TELEMETRY = True
    try:
        yield call
    finally:
        constants.HF_HUB_DISABLE_XET, constants.HF_HUB_DISABLE_TELEMETRY = before
        _current.reset(token)
        if threads:
            _shared.remove(call)


def current() -> Call:
    """The call that this request belongs to."""
    return _current.get() or (_shared[-1] if _shared else Call("the Hub"))


def install() -> None:
    """Guard the client, from the first request on. Raises UsageError for an environment it can't be used in."""
    check_endpoint()
    check_certificates()
    with _installing:
        if not _installed:
            if "HF_HUB_VERBOSITY" not in os.environ and "HF_DEBUG" not in os.environ:
                logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # the guard says it in a line
                warnings.filterwarnings("ignore", category=UserWarning, module="huggingface_hub")
            if not (sys.stderr and sys.stderr.isatty()) and constants.HF_HUB_DISABLE_PROGRESS_BARS is None:
                disable_progress_bars()  # those of uploads are drawn into files and pipes too
            set_client_factory(_client)
            _installed.append(True)


def _client() -> httpx2.Client:
    try:
        client = default_client_factory()
    except (OSError, ValueError, ImportError, httpx2.InvalidURL) as error:  # it reads the environment
        raise unusable(error) from error
    hold_to_time(client, current)
    hooks = client.event_hooks
    client.event_hooks = {"request": [*hooks["request"], _before], "response": [*hooks["response"], _after]}
    return client


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _before(request: httpx2.Request) -> None:
    """Fill in timeouts, keep the token at home, ask for answers as they are."""
    call = current()
    left = call.remaining()
    given = request.extensions.get("timeout") or {}
    request.extensions["timeout"] = {
        phase: min(left, given[phase]) if given.get(phase) else left for phase in ("connect", "read", "write", "pool")
    }
    if _origin(str(request.url)) != _origin(constants.ENDPOINT):
        request.headers.pop("authorization", None)
    request.headers["accept-encoding"] = "identity"  # what is packed has no size that is known beforehand


def _after(response: httpx2.Response) -> None:
    """Refuse answers that would do harm, count those that fail, and bound what is read."""
    call = current()
    if response.request.method == "HEAD":  # asked for a file's place in the cache, wherever that was redirected to
        _check_headers(response, call)
    if response.status_code == 429:
        call.asked_to_wait(_seconds(response.headers.get("retry-after")))
    elif response.status_code in PASSING and response.request.method != "POST":  # a POST may have done its work
        call.failed(f"the Hub answers {response.status_code}")
    if response.status_code == 206:
        call.resumed(response.headers.get("content-range", ""))
    file = call.limit is not None and response.status_code in (200, 206)
    limit = call.limit if file and call.limit is not None else MAX_ANSWER_BYTES
    encoding = response.headers.get("content-encoding", "identity").lower()
    if encoding != "identity" and response.request.method != "HEAD":
        raise IntegrityError(
            f"{call.subject}: unsafe answer: it comes packed ({encoding[:40]!r}), which nobody asked for"
        )
    if isinstance(response.stream, httpx2.SyncByteStream):
        response.stream = Bounded(response.stream, call, limit)


def _check_headers(response: httpx2.Response, call: Call) -> None:
    """The two headers that become paths in the cache say what the listing said: this commit, and this file's hash.

    Else two files could get one place in the cache, and the bytes of one be read as the other.
    """
    commit = response.headers.get(constants.HUGGINGFACE_HEADER_X_REPO_COMMIT)
    if commit is not None and (not is_commit(commit) or call.commit not in ("", commit)):
        raise IntegrityError(
            f"{call.subject}: unsafe answer: the commit {commit[:60]!r} is not the one that was asked for; nothing is "
            "kept"
        )
    linked = response.headers.get(constants.HUGGINGFACE_HEADER_X_LINKED_ETAG)
    tag = linked or response.headers.get("etag")
    if response.status_code >= 400 or (_followed(response) and not linked):
        return
    if commit is None or tag is None:
        lacking = constants.HUGGINGFACE_HEADER_X_REPO_COMMIT if commit is None else "ETag"
        raise NetworkError(
            f"{call.subject}: {shown(constants.ENDPOINT)} is not a Hub: its answer lacks the header {lacking}; check "
            "HF_ENDPOINT: a mirror has to pass it on"
        )
    found = _HASH.fullmatch(tag)
    if found is None or call.digest not in ("", found[1]):
        raise IntegrityError(
            f"{call.subject}: unsafe answer: the ETag {tag[:60]!r} is not the file's hash; nothing is kept"
        )


def _followed(response: httpx2.Response) -> bool:
    """Whether the client goes on to another address of the same server, and takes nothing of this answer."""
    url = str(response.request.url)
    return response.has_redirect_location and _origin(urljoin(url, response.headers["location"])) == _origin(url)


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 1.0
