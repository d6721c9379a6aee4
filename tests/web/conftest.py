"""What tests of the server share: small models on a shelf, and clients with and without the token."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from tiny import write_checkpoint
from vaes import write_free, write_vae

from zoo.catalog.registry import Registry

pytest.importorskip("starlette", reason="the extra ui is not installed")
import uvicorn
from answering import AUTHORIZATION, HOST, TOKEN
from starlette.testclient import TestClient

from zoo.web.app import make_app
from zoo.web.serve import Announced, address, listen
from zoo.web.shelf import Shelf

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """A model that translates, one that encodes, decodes and draws, and one whose latents follow the picture."""
    folder = tmp_path_factory.mktemp("models")
    names = [write_checkpoint(folder / "tiny"), write_vae(folder / "vae", id="tiny.vae"), write_free(folder / "free")]
    return Shelf(Registry.build([]), [f"dir:{name}" for name in names])


@pytest.fixture
def client(shelf: Shelf) -> Iterator[TestClient]:
    """A client of a server with the page, who has the token."""
    with TestClient(make_app(shelf, TOKEN, workers=2), HOST, headers=AUTHORIZATION) as found:
        yield found


@pytest.fixture
def stranger(shelf: Shelf) -> Iterator[TestClient]:
    """A client who has no token."""
    with TestClient(make_app(shelf, TOKEN, workers=1), HOST) as found:
        yield found


@pytest.fixture(scope="module")
def served(shelf: Shelf) -> Iterator[str]:
    """The address of a server that runs in a thread, with the token."""
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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A browser without a window, and without a network beyond this machine."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    arguments = [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
    ]
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """An empty page; what it complains of fails the test."""
    context = chromium.new_context(viewport={"width": 1100, "height": 800}, accept_downloads=True)
    context.set_default_timeout(60_000)
    found = context.new_page()
    complaints: list[str] = []
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    yield found
    context.close()
    assert [text for text in complaints if "Failed to load resource" not in text] == []
