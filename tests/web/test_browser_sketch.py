"""The drawing pad in Chromium: strokes of the mouse, the picture that follows, and going back."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from driving import expect, settled
from hosting import hosting, serving
from PIL import Image
from tiny import edit_config, write_checkpoint

from zoo.catalog.registry import Registry
from zoo.web.shelf import Shelf
from zoo.web.site import build_site

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
SIDE = 32


@pytest.fixture(scope="module")
def pens(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    """A model that makes every pixel of a drawing a colour of its own."""
    folder = write_checkpoint(tmp_path_factory.mktemp("pens") / "model", id="tiny.pen", task="sketch")
    square = {"channels": 1, "size": [SIDE, SIDE]}
    edit_config(folder, lambda config: config["capabilities"]["translate"].update(input=square, fit="drawing"))
    return Shelf(Registry.build([]), [f"dir:{folder}"])


@pytest.fixture(params=["ui", "web"])
def sketch(
    request: pytest.FixtureRequest, page: Page, pens: Shelf, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The pad, of a server and of a static site."""
    if request.param == "ui":
        with serving(pens) as url:
            page.goto(f"{url}&/tiny.pen/")
            settled(page)
            yield page
        return
    root = tmp_path_factory.mktemp("root")
    build_site(pens, ["tiny.pen"], root / "site", request.getfixturevalue("runtime"))
    with hosting(root, "site/") as url:
        page.goto(f"{url}#/tiny.pen/")
        settled(page)
        yield page


def draw(page: Page, *points: tuple[float, float]) -> None:
    """One stroke through points, in shares of the pad's sides."""
    box = page.locator(".pad").bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def drawn(page: Page) -> NDArray[np.uint8]:
    """What is on the pad (H, W)."""
    url: str = page.locator(".pad").evaluate("(pad) => pad.toDataURL()")
    return np.asarray(Image.open(BytesIO(base64.b64decode(url.partition(",")[2]))).convert("L"))


def made(page: Page) -> NDArray[np.uint8]:
    """What the model made of it (H, W, 3), once it has followed the pen."""
    expect(page.get_by_role("button", name="Download")).to_be_enabled()
    script = """async (image) => {
        await image.decode();
        const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
        canvas.getContext('2d').drawImage(image, 0, 0);
        const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
        return bytes.reduce((text, byte) => text + String.fromCharCode(byte), '');
    }"""
    data: str = page.locator("img.made").evaluate(script)
    return np.asarray(Image.open(BytesIO(data.encode("latin-1"))).convert("RGB"))


def test_the_picture_follows_the_pen(sketch: Page, pens: Shelf) -> None:
    model = pens.open("tiny.pen")
    assert (drawn(sketch) == 255).all()
    strokes = [((0.2, 0.2), (0.8, 0.3)), ((0.3, 0.5), (0.5, 0.9), (0.7, 0.5))]
    for count, stroke in enumerate(strokes, 1):
        draw(sketch, *stroke)
        seen = made(sketch)
        drawing = drawn(sketch)
        assert 0.001 * count < (drawing < 128).mean() < 0.1
        expected = np.rint(model.translate(Image.fromarray(drawing))[0].transpose(1, 2, 0) * 255)
        assert seen.shape == expected.shape
        assert np.abs(seen - expected).max() <= 2


def test_strokes_are_undone_redone_and_cleared(sketch: Page) -> None:
    undo, redo = sketch.get_by_role("button", name="Undo"), sketch.get_by_role("button", name="Redo")
    clear, save = sketch.get_by_role("button", name="Clear"), sketch.get_by_role("button", name="Download")
    for button in (undo, redo, clear, save):
        expect(button).to_be_disabled()
    draw(sketch, (0.2, 0.2), (0.8, 0.2))
    one, of_one = drawn(sketch), made(sketch)
    draw(sketch, (0.2, 0.6), (0.8, 0.6))
    two, of_two = drawn(sketch), made(sketch)
    assert not np.array_equal(one, two)
    assert not np.array_equal(of_one, of_two)
    undo.click()
    assert np.array_equal(made(sketch), of_one)
    assert np.array_equal(drawn(sketch), one)
    sketch.keyboard.press("Control+Shift+Z")
    assert np.array_equal(made(sketch), of_two)
    assert np.array_equal(drawn(sketch), two)
    sketch.keyboard.press("Control+z")
    draw(sketch, (0.5, 0.3), (0.5, 0.9))  # what was undone is given up for it
    expect(redo).to_be_disabled()
    clear.click()
    expect(sketch.locator("img.made")).to_be_hidden()
    expect(save).to_be_disabled()
    assert (drawn(sketch) == 255).all()


def test_a_drawing_stays_while_one_looks_at_other_parts(sketch: Page) -> None:
    draw(sketch, (0.2, 0.2), (0.8, 0.8))
    before = drawn(sketch)
    sketch.get_by_role("tab", name="About").click()
    expect(sketch.locator(".facts")).to_be_visible()
    sketch.get_by_role("tab", name="Sketch").click()
    expect(sketch.get_by_role("button", name="Download")).to_be_enabled()
    assert np.array_equal(drawn(sketch), before)


def test_a_sample_is_drawn_and_saved_with_its_picture(sketch: Page) -> None:
    sketch.get_by_role("button", name="Try a sample").click()
    assert (made(sketch) != 0).any()
    names = []
    sketch.on("download", lambda download: names.append(download.suggested_filename))
    with sketch.expect_event("download", lambda download: download.suggested_filename == "drawing.sketch.png"):
        sketch.get_by_role("button", name="Download").click()
    assert names == ["drawing.png", "drawing.sketch.png"]
