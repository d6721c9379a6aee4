"""The static site in Chromium: models that run in the browser give what the library gives.

These need the browser's ONNX Runtime: the environment variable ZOO_WEB_RUNTIME names its folder or archive.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from driving import CALL, expect
from hosting import hosting
from PIL import Image
from told import write_steps, write_told

from zoo.catalog.registry import Registry
from zoo.web.shelf import Shelf
from zoo.web.site import build_site

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def site(shelf: Shelf, runtime: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site below some path, served by a plain file server."""
    root = tmp_path_factory.mktemp("root")
    build_site(shelf, ["tiny.test", "tiny.vae", "tiny.free"], root / "some" / "where", runtime)
    with hosting(root, "some/where/") as url:
        yield url


@pytest.fixture
def call(page: Page, site: str) -> Callable[..., NDArray[np.uint8]]:
    """Call the engine of the site's page as its parts do."""
    page.goto(site)

    def do(model: str, name: str, *given: Any, picture: Image.Image | None = None) -> NDArray[np.uint8]:
        data = BytesIO()
        if picture:
            picture.save(data, "PNG")
        told = {"set": {}, "steps": None}
        found = page.evaluate(CALL, [model, name, given, base64.b64encode(data.getvalue()).decode(), told])
        return np.array(found)

    return do


def levels(pictures: NDArray[Any]) -> NDArray[np.uint8]:
    return np.rint(pictures * 255).astype(np.uint8).transpose(0, 2, 3, 1).ravel()


def test_seeds_give_the_pictures_of_the_library(call: Callable[..., NDArray[Any]], shelf: Shelf, page: Page) -> None:
    model = shelf.open("tiny.vae")
    latents = call("tiny.vae", "draw", 50, 9)
    assert np.array_equal(latents.astype(np.float32), model.draw(50, 9).ravel())
    script = CALL.replace("...inputs", "new Float32Array(inputs[0])")
    told = {"set": {}, "steps": None}
    made = page.evaluate(script, ["tiny.vae", "decode", [latents.tolist()], "", told])
    assert np.abs(np.array(made) - levels(model.generate(50, 9)).astype(int)).max() <= 1


@pytest.mark.parametrize("size", [(4, 4), (9, 7), (64, 3), (150, 170)])
def test_encode_is_that_of_the_library(call: Callable[..., NDArray[Any]], shelf: Shelf, size: tuple[int, int]) -> None:
    picture = Image.radial_gradient("L").resize(size).convert("RGB")
    found = call("tiny.vae", "encode", picture=picture)
    assert np.abs(found - shelf.open("tiny.vae").encode(picture).ravel()).max() < 0.02


@pytest.mark.parametrize("size", [(4, 4), (9, 7), (31, 60)])
def test_translate_is_that_of_the_library(
    call: Callable[..., NDArray[Any]], shelf: Shelf, size: tuple[int, int]
) -> None:
    picture = Image.radial_gradient("L").resize(size).convert("RGB")
    found = Image.open(BytesIO(bytes(call("tiny.test", "translate", {"format": "png"}, picture=picture).tolist())))
    expected = shelf.open("tiny.test").translate(picture)[0].transpose(1, 2, 0) * 255
    assert np.abs(np.asarray(found.convert("RGB"), float) - expected).max() <= 2


def test_the_page_works_with_no_network_beyond_its_files(page: Page, site: str, shelf: Shelf) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{site}#/tiny.vae/generate")
    expect(page.locator("#said")).to_have_text("24 pictures of seed 0")
    page.goto(f"{site}#/tiny.test/")
    page.get_by_role("button", name="Try a sample").click()
    expect(page.locator(".compare .after")).to_have_attribute("src", re.compile("^blob:"))
    assert all(url.startswith((site, "blob:", "data:")) for url in asked)


def test_a_changed_file_is_not_run(shelf: Shelf, runtime: Mapping[str, bytes], page: Page, tmp_path: Path) -> None:
    build_site(shelf, ["tiny.vae"], tmp_path / "site", runtime)
    weights = tmp_path / "site" / "models" / "tiny.vae" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\xff")
    with hosting(tmp_path, "site/") as address:
        page.goto(f"{address}#/tiny.vae/blend")
        expect(page.get_by_role("alert").filter(has_text="is not the file that was promised")).to_be_visible()


@pytest.mark.parametrize("kind", ["conditions", "steps"])
def test_models_that_are_told_things_run(runtime: Mapping[str, bytes], page: Page, tmp_path: Path, kind: str) -> None:
    folder = (write_told if kind == "conditions" else write_steps)(tmp_path / "model")
    shelf = Shelf(Registry.build([]), [f"dir:{folder}"])
    model = shelf.open(shelf.first)
    build_site(shelf, [model.id], tmp_path / "site", runtime)
    told: dict[str, Any] = {"set": {"kind": "dog", "light": 0.25} if kind == "conditions" else {}, "steps": None}
    if kind == "steps":
        told["steps"] = 3
    latents = model.draw(2)
    expected = model.decode(latents, **told["set"]) if kind == "conditions" else model.decode(latents, steps=3)
    with hosting(tmp_path, "site/") as address:
        page.goto(address)
        script = CALL.replace("...inputs", "new Float32Array(inputs[0])")
        made = page.evaluate(script, [model.id, "decode", [latents.ravel().tolist()], "", told])
        assert np.abs(np.array(made) - levels(expected).astype(int)).max() <= 1
