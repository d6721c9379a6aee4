"""What lies between this machine and the Hub, as the environment says: the endpoint, certificates, proxies."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from huggingface_hub import constants, get_token

from zoo.checkpoints.hub.endpoint import require_address, shown
from zoo.errors import UsageError

LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def check_endpoint() -> None:
    """Raise UsageError unless HF_ENDPOINT is an address, and one that a token may be sent to."""
    require_address()
    parts = urlsplit(constants.ENDPOINT)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and get_token():
        raise UsageError(
            f"HF_ENDPOINT={shown(constants.ENDPOINT)} would send your token unencrypted: use https://, or no token"
        )


def check_certificates() -> None:
    """Raise UsageError for certificates that are named and not there. REQUESTS_CA_BUNDLE is not read."""
    file, folder = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
    if file and not Path(file).is_file():
        what = "is a folder" if Path(file).is_dir() else "is not there"
        raise UsageError(f"SSL_CERT_FILE names {file}, which {what}: unset it, or name a file of certificates")
    if folder and not file and not Path(folder).is_dir():
        raise UsageError(f"SSL_CERT_DIR names {folder}, which is not there: unset it, or name a folder of certificates")


def unusable(error: Exception) -> UsageError:
    """Why no client can be made: the certificates that are named hold none, or a proxy's address is none."""
    if isinstance(error, OSError):
        name = "SSL_CERT_FILE" if os.environ.get("SSL_CERT_FILE") else "SSL_CERT_DIR"
        return UsageError(f"{name}={os.environ.get(name, '')}: no certificates can be read from it: {error}")
    named = ", ".join(_variables())
    return UsageError(f"the proxy that {named or 'the system'} names can't be used: {error}")


def way_to_hub() -> str:
    """The endpoint and the proxy on the way to it, for messages; names and passwords are left out."""
    parts = urlsplit(constants.ENDPOINT)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.hostname or ""):
        return shown(constants.ENDPOINT)
    address = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    where = shown(f"{address.scheme}://{address.netloc}")
    names = [name for name in _variables() if name.lower() in (f"{parts.scheme}_proxy", "all_proxy")]
    return f"{shown(constants.ENDPOINT)} through the proxy {where}" + (f" that {names[0]} names" if names else "")


def _variables() -> list[str]:
    """Those of the environment that name proxies."""
    known = {f"{scheme}_proxy" for scheme in ("https", "http", "all")}
    return sorted(name for name in os.environ if name.lower() in known and os.environ[name])
