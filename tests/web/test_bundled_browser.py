"""Bundled models, the small ones, in the browser: within two levels of the library; and drawings, found alike."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from driving import CALL
from hosting import hosting
from PIL import Image, ImageDraw

from zoo.catalog.registry import Registry
from zoo.pictures.drawings import find_drawing
from zoo.pictures.outlines import shaded
from zoo.web.shelf import Shelf
from zoo.web.site import build_site

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
MODELS = ("dense-vae.mnist", "conv-vae.mnist-2d", "dcgan.mnist")
TOLD = {"set": {}, "steps": None}
SIDE = 256


@pytest.fixture(scope="module")
def bundled() -> Shelf:
    return Shelf(Registry.discover())


@pytest.fixture(scope="module")
def site(bundled: Shelf, runtime: Mapping[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site of the small models."""
    root = tmp_path_factory.mktemp("root")
    build_site(bundled, MODELS, root / "site", runtime)
    with hosting(root, "site/") as url:
        yield url


@pytest.mark.parametrize("name", MODELS)
def test_seeds_and_pictures_are_those_of_the_library(page: Page, site: str, bundled: Shelf, name: str) -> None:
    model = bundled.open(name)
    page.goto(f"{site}#/{name}/card")
    latents = model.draw(4, 5)
    found = np.array(page.evaluate(CALL, [name, "draw", [4, 5], "", TOLD]))
    assert np.abs(found - latents.ravel()).max() < 1e-4
    script = CALL.replace("...inputs", "new Float32Array(inputs[0])")
    made = np.array(page.evaluate(script, [name, "decode", [latents.ravel().tolist()], "", TOLD]))
    assert np.abs(made - np.rint(model.decode(latents) * 255).transpose(0, 2, 3, 1).ravel()).max() <= 2
    if "encode" in model.capabilities:
        picture = Image.radial_gradient("L").resize((40, 30)).convert("RGB")
        data = BytesIO()
        picture.save(data, "PNG")
        again = page.evaluate(CALL, [name, "encode", [], base64.b64encode(data.getvalue()).decode(), TOLD])
        assert np.abs(np.array(again) - model.encode(picture).ravel()).max() < 0.05


def house(width: int, height: int) -> Image.Image:
    """A house with an open door and a round window, in gray pencil that gets wider with the page."""
    page = Image.new("L", (4 * width, 4 * height), 250)
    pencil, pen = ImageDraw.Draw(page), max(6, width // 40)

    def at(*shares: float) -> list[float]:
        return [share * 4 * (width, height)[k % 2] for k, share in enumerate(shares)]

    pencil.line(at(0.2, 0.5, 0.5, 0.15, 0.8, 0.5, 0.2, 0.5), fill=40, width=pen)
    pencil.line(at(0.25, 0.5, 0.25, 0.85, 0.4, 0.85), fill=60, width=pen)
    pencil.line(at(0.46, 0.85, 0.75, 0.85, 0.75, 0.5), fill=50, width=pen)
    pencil.ellipse(at(0.55, 0.57, 0.68, 0.7), outline=30, width=pen)
    return page.resize((width, height), Image.Resampling.LANCZOS)


@pytest.mark.parametrize("size", [(90, 120), (200, 140), (256, 256), (280, 333), (1300, 1100)])
def test_drawings_are_found_as_the_library_finds_them(page: Page, site: str, size: tuple[int, int]) -> None:
    page.goto(f"{site}#/dcgan.mnist/card")
    gray = np.asarray(house(*size))
    script = """async ([text, h, w, side]) => {
        const { seenDrawing } = await import(new URL('page/local/drawing.js', document.baseURI));
        const gray = Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
        const { seen, top, left, extent } = seenDrawing({ gray, h, w }, side, true);
        return [[top, left, extent], [...seen].map((x) => Math.round(255 * x))];
    }"""
    place, seen = page.evaluate(script, [base64.b64encode(gray.tobytes()).decode(), *gray.shape, SIDE])
    expected = find_drawing(gray, SIDE)
    assert place == [expected.top, expected.left, expected.extent]
    levels = shaded(expected.lines)
    assert {0, 176, 255} == set(np.unique(levels).tolist())
    # Not bit for bit: sums in single precision round differently where a pixel is half inked.
    assert (np.array(seen).reshape(SIDE, SIDE) != levels).mean() < 0.001
