"""What tests of the server share: small models on a shelf, and clients with and without the token."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tiny import write_checkpoint
from vaes import write_free, write_vae

from zoo.catalog.registry import Registry

pytest.importorskip("starlette", reason="the extra ui is not installed")
from answering import AUTHORIZATION, HOST, TOKEN
from hosting import serving
from starlette.testclient import TestClient

from zoo.web.app import make_app
from zoo.web.runtime import runtime_files
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
    with serving(shelf) as url:
        yield url


@pytest.fixture(scope="session")
def runtime() -> Mapping[str, bytes]:
    """The files of ONNX Runtime for browsers."""
    where = os.environ.get("ZOO_WEB_RUNTIME")
    if not where:
        pytest.skip("ZOO_WEB_RUNTIME names no onnxruntime-web")
    return runtime_files(Path(where))


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
