"""What tests of the server share: small models on a shelf, and clients with and without the token."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tiny import write_checkpoint
from vaes import write_free, write_vae

from zoo.catalog.registry import Registry

pytest.importorskip("starlette", reason="the extra ui is not installed")
from answering import AUTHORIZATION, HOST, TOKEN
from starlette.testclient import TestClient

from zoo.web.app import make_app
from zoo.web.shelf import Shelf


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
