"""Who may talk to the server: the one who has the token, from the server's own page or from a program.

A page of another site can make a browser send requests here, also under a name that it points at this machine (DNS
rebinding). So the name in `Host` must be one of ours, an `Origin` must be the page's own, and whatever runs a model
needs the token in a header, which a browser never adds by itself.
"""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What may be had without the token: the page's files, which hold nothing secret, and the interface's description.
OPEN_PATHS = ("/", "/health", "/openapi.json")
OPEN_PREFIX = "/page/"
CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
HEADERS = {
    "content-security-policy": CSP,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


class Guard:
    """Lets a request through to the application, or refuses it in one line; adds the headers of every answer."""

    def __init__(self, app: ASGIApp, token: str, loopback: bool, names: tuple[str, ...] = ()) -> None:
        """`loopback`: only addresses of this machine are ours. `names` are further names of the server."""
        self.app, self.token, self.loopback = app, token.encode(), loopback
        self.names = {"localhost", *(name.lower() for name in names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        if scope["type"] != "http":
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope["path"], Headers(scope=scope))
        if refusal:
            status, reason = refusal
            challenge = {"www-authenticate": "Bearer"} if status == 401 else {}
            await JSONResponse({"error": reason}, status, challenge)(scope, receive, with_headers)
            return
        await self.app(scope, receive, with_headers)

    def _refusal(self, path: str, headers: Headers) -> tuple[int, str] | None:
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return 403, "this server does not answer to that name: open the address that the terminal shows"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != hosts[0].lower():
            return 403, "another site's page may not use this server"
        if path in OPEN_PATHS or path.startswith(OPEN_PREFIX):
            return None
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return 403, "another site's page may not use this server"
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self.token):
            return 401, "the token is missing or wrong: open the address that the terminal shows"
        return None

    def _is_ours(self, host: str) -> bool:
        """Whether a `Host` is a name of this server. An address, unlike a name, can't be made to lead elsewhere."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        if name in self.names:
            return True
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return False
        return address.is_loopback or not self.loopback
