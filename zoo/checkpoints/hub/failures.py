"""What the Hub's client raises, as the zoo's errors: one line each, with what to do next."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import httpx2
from huggingface_hub import constants
from huggingface_hub.errors import (
    DisabledRepoError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from zoo.checkpoints.hub.endpoint import shown
from zoo.checkpoints.hub.guard import PASSING, current
from zoo.checkpoints.hub.surroundings import way_to_hub
from zoo.errors import AccessError, DiskError, NetworkError, NotFoundError, ZooError

T = TypeVar("T")

_HOST = shown(constants.ENDPOINT)
_OFFLINE = "not in the cache, and offline (HF_HUB_OFFLINE=1)"
# What the client itself tries again where it downloads a file.
_TRIED_BY_CLIENT = (httpx2.ConnectError, httpx2.TimeoutException, httpx2.RemoteProtocolError)


def insist(action: Callable[[], T]) -> T:
    """Do what may fail for a reason that passes, a few times; the call at hand says how often."""
    forbidden = False
    while True:
        try:
            return action()
        except (httpx2.UnsupportedProtocol, httpx2.TooManyRedirects):
            raise
        except httpx2.TransportError as error:
            if current().limit is not None and isinstance(error, _TRIED_BY_CLIENT):
                raise
            late = isinstance(error, httpx2.TimeoutException)
            way = way_to_hub()
            current().failed(f"no answer from {way}" if late else f"can't reach {way} ({_reason(error)})")
        except HfHubHTTPError as error:
            status = error.response.status_code
            expired = status == 403 and not _from_hub(error) and not forbidden
            if not expired and status not in {429, *PASSING}:
                raise
            forbidden = forbidden or expired  # the address of a file is good for a while only: once is asked anew
        time.sleep(0.25 * 2 ** current().failures)


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turn whatever the client raises inside into one of the zoo's errors."""
    subject = current().subject
    try:
        yield
    except ZooError:
        raise
    except Exception as error:
        for kinds, explain in _EXPLANATIONS:
            if isinstance(error, kinds):
                raise explain(subject, error) from error
        raise


def token_source() -> str:
    """Where the token comes from, for messages; never the token itself."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        if os.environ.get(name):
            return name
    return constants.HF_TOKEN_PATH


def _reason(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _from_hub(error: HfHubHTTPError) -> bool:
    """Whether the Hub itself answered, and not the host of its files."""
    return str(error.response.request.url).startswith(_HOST + "/")


def _gated(subject: str, error: HfHubHTTPError) -> ZooError:
    page = f"{_HOST}/{getattr(error, 'repo_id', None) or ''}".rstrip("/")
    if error.response.status_code == 401:
        return AccessError(f"{subject}: gated: accept its terms at {page}, then set HF_TOKEN or run `hf auth login`")
    return AccessError(f"{subject}: gated: your account has no access yet; ask for it at {page}")


def _refused(subject: str, error: HfHubHTTPError) -> ZooError:
    status = error.response.status_code
    said = (error.server_message or error.response.headers.get("x-error-message") or "").strip().splitlines()
    words = f" ({said[0][:200]})" if said else ""
    if status == 401:
        return AccessError(f"{subject}: token refused by {_HOST}: renew the one in {token_source()}")
    if status == 403 and _from_hub(error):
        return AccessError(f"{subject}: the Hub refuses it{words}: the token in {token_source()} has no such right")
    if status == 407:
        return NetworkError(
            f"{subject}: no way to {way_to_hub()}: it answers 407, and asks who you are: user:pass@HOST"
        )
    if status == 404:
        return NotFoundError(f"{subject}: not found on {_HOST}{words}")
    return NetworkError(f"{subject}: the Hub answers {status}{words}; try again later")


def _unanswered(subject: str, error: Exception) -> ZooError:
    """The client looked into its cache after a request failed; why it failed is what counts."""
    cause = error.__cause__ or error
    if isinstance(cause, OfflineModeIsEnabled):
        return NetworkError(f"{subject}: {_OFFLINE}")
    if isinstance(cause, HfHubHTTPError):
        return _refused(subject, cause)
    if isinstance(cause, FileMetadataError):
        return NetworkError(f"{subject}: {_HOST} is not a Hub: its answer lacks headers; check HF_ENDPOINT")
    return _unreachable(subject, cause)


def _unreachable(subject: str, error: BaseException) -> ZooError:
    return NetworkError(f"{subject}: the connection to {way_to_hub()} fails ({_reason(error)}); try again later")


def _plainly(kind: type[ZooError], text: str) -> Callable[[str, Any], ZooError]:
    """For an error whose kind says it all."""
    return lambda subject, _: kind(f"{subject}: {text}")


def _upload(subject: str, error: Exception) -> ZooError:
    """A file that could not be uploaded; only the commit that would have followed changes the repository."""
    cause = error.__cause__ or error
    reason = str(cause) if isinstance(cause, ZooError) else f"{subject}: {_reason(cause)}"
    return NetworkError(f"{reason}; {error}; the repository is as it was")


def _disk(subject: str, error: OSError) -> ZooError:
    if error.errno is None:  # the client's own: "consistency check failed"
        return NetworkError(f"{subject}: the answer is cut or too long ({_reason(error)}); try again later")
    place = f" {error.filename}" if error.filename else ""
    return DiskError(f"{subject}: can't write{place}: {error.strerror or error}; HF_HOME names another place")


def _nonsense(subject: str, error: Exception) -> ZooError:
    kind = type(error).__name__
    return NetworkError(f"{subject}: {_HOST} is not a Hub: its answer makes no sense ({kind}); check HF_ENDPOINT")


# The first that fits counts: a gated repository is also one that is not found, and most HTTP errors are OSErrors.
_EXPLANATIONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Callable[[str, Any], ZooError]], ...] = (
    (GatedRepoError, _gated),
    (RepositoryNotFoundError, _plainly(NotFoundError, f"no such model on {_HOST} (or it is private: set HF_TOKEN)")),
    (
        (RevisionNotFoundError, RemoteEntryNotFoundError),
        _plainly(NotFoundError, f"there is no such revision or file on {_HOST}"),
    ),
    (DisabledRepoError, _plainly(AccessError, "disabled by the Hub, it can't be had")),
    (OfflineModeIsEnabled, _plainly(NetworkError, _OFFLINE)),
    (HfHubHTTPError, _refused),
    ((LocalEntryNotFoundError, FileMetadataError), _unanswered),
    (httpx2.HTTPError, _unreachable),
    (OSError, _disk),
    # What reading an answer of the wrong shape ends in: too deep, too large a number, no address.
    ((RecursionError, ArithmeticError, httpx2.InvalidURL), _nonsense),
    (RuntimeError, _upload),
    ((LookupError, TypeError, AttributeError, ValueError, AssertionError), _nonsense),
)
