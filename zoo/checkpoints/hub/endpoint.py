"""The address of the Hub, looked at before the Hub's client is imported: that reads it then, and may fail."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from zoo.errors import UsageError


def require_address() -> None:
    """Raise UsageError where HF_ENDPOINT is no address of a host. An empty one is removed: the client would use it."""
    endpoint = os.environ.get("HF_ENDPOINT")
    if not endpoint:
        os.environ.pop("HF_ENDPOINT", None)
        return
    try:
        parts = urlsplit(endpoint)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or any(letter.isspace() for letter in endpoint):
        raise UsageError(f"HF_ENDPOINT={shown(endpoint)} is no address: give https://HOST")


def shown(address: str) -> str:
    """An address for messages: without the name and password that it may hold."""
    scheme, colons, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{colons}{host.rpartition('@')[2]}{slash}{path}"
