"""Servers that run in threads of the tests: the zoo's own, and a plain one of files for static sites."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar

import uvicorn
from answering import TOKEN

from zoo.web.app import make_app
from zoo.web.serve import Announced, address, listen

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.web.shelf import Shelf


@contextmanager
def serving(shelf: Shelf) -> Iterator[str]:
    """The address of a server of a shelf's models, with the token."""
    listening = listen("127.0.0.1", 0)
    started = threading.Event()
    config = uvicorn.Config(make_app(shelf, TOKEN, workers=2), log_level="error", lifespan="on", ws="none")
    server = Announced(config, started.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    assert started.wait(60)
    yield address(listening, "127.0.0.1", TOKEN)
    server.should_exit = True
    thread.join(60)


@contextmanager
def hosting(root: Path, path: str = "") -> Iterator[str]:
    """The address of a path below a folder of files."""

    class Quiet(SimpleHTTPRequestHandler):
        extensions_map: ClassVar = {**SimpleHTTPRequestHandler.extensions_map, ".mjs": "text/javascript"}

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/{path}"
    server.shutdown()
    server.server_close()
    thread.join(60)
