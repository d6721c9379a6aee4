"""The server's application: routes to the endpoints, the page's files, and the guard around both."""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from zoo.web.endpoints import Endpoints
from zoo.web.guard import Guard
from zoo.web.openapi import OPERATIONS, document
from zoo.web.pool import Pool
from zoo.web.requests import MAX_PIXELS, MAX_UPLOAD_BYTES

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from importlib.resources.abc import Traversable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from zoo.web.shelf import Shelf

# Requests that may wait for a thread; with their bodies, they are what memory must hold.
WAITING = 32
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".jpg": "image/jpeg",
}


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def make_app(
    shelf: Shelf,
    token: str,
    *,
    page: bool = True,
    loopback: bool = True,
    names: tuple[str, ...] = (),
    max_pixels: int = MAX_PIXELS,
    max_upload: int = MAX_UPLOAD_BYTES,
    workers: int | None = None,
    waiting: int = WAITING,
) -> ASGIApp:
    """The application that serves a shelf's models to whoever has the token, with or without the page.

    `loopback` and `names` say what the server is called, see `Guard`; `max_pixels` and `max_upload` bound a picture
    that is sent; `workers` requests are worked on at once, one for each core if not said, and `waiting` ones wait.
    """
    pool = Pool(workers or cores(), waiting)
    endpoints = Endpoints(shelf, pool, max_pixels, max_upload)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.close()

    routes = [
        Route(operation.path, endpoints.handler(getattr(endpoints, operation.name)), methods=[operation.method])
        for operation in OPERATIONS
    ]
    routes += [Route("/health", _health), Route("/openapi.json", _openapi)]
    if page:
        routes += [Route("/", _page), Route("/page/{path:path}", _page)]
    handlers = {404: _missing, 405: _missing}
    app = Starlette(routes=routes, exception_handlers=handlers, lifespan=lifespan)
    return Guard(app, token, loopback, names)


def page_files() -> dict[str, Traversable]:
    """The page's files by their paths: what is not among these is not served."""
    return dict(_below(files("zoo.web").joinpath("page"), ""))


def _below(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _below(item, f"{prefix}{item.name}/")
        elif os.path.splitext(item.name)[1] in _TYPES:  # noqa: PTH122 - a resource need not be a path
            yield f"{prefix}{item.name}", item


def _page(request: Request) -> Response:
    path = request.path_params.get("path", "index.html")
    found = page_files().get(path)
    if found is None:
        return _missing(request, None)
    kind = _TYPES[os.path.splitext(found.name)[1]]  # noqa: PTH122
    return Response(found.read_bytes(), media_type=kind, headers={"cache-control": "no-cache"})


def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _openapi(_: Request) -> Response:
    return JSONResponse(document())


def _missing(_: Request, error: Exception | None) -> Response:
    status = getattr(error, "status_code", 404)
    reason = "this is not the method for that" if status == 405 else "there is nothing here; /openapi.json says what is"
    return JSONResponse({"error": reason}, status)
