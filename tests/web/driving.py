"""What tests of the page share: going to a part of it, and looking at what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from answering import picture

if TYPE_CHECKING:
    from playwright.sync_api import Page

expect = pytest.importorskip("playwright.sync_api", reason="playwright is not installed").expect
expect.set_options(timeout=60_000)  # a machine under load


# Calls a method of the engine of a static site as the parts of its page do; latents are given as lists.
CALL = """async ([id, name, given, picture, told]) => {
    const { Engine } = await import(new URL('page/local/engine.js', document.baseURI));
    const engine = (window.zoo ??= new Engine());
    await engine.model(id);
    engine.told.set(id, told);
    const bytes = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const inputs = picture ? [new Blob([bytes(picture)], { type: 'image/png' })] : given;
    const answer = await engine[name](id, ...inputs, ...(picture ? given : []));
    return [...(answer.blob ? new Uint8Array(await answer.blob.arrayBuffer()) : answer.data ?? answer)];
}"""


def go(page: Page, served: str, path: str) -> None:
    """Load the page of a server anew, at a part of it."""
    page.goto("about:blank")
    page.goto(f"{served}&{path}")


def settled(page: Page) -> None:
    """Wait until the list of models, or all controls of a part, are there."""
    page.wait_for_selector(".gallery, .panel[aria-busy=false]")


def shown(page: Page, selector: str) -> np.ndarray:
    """The pixels (H, W, 3) of a canvas."""
    script = """(canvas) => [canvas.height, canvas.width,
        ...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"""
    height, width, *data = page.locator(selector).first.evaluate(script)
    return np.array(data, np.uint8).reshape(height, width, 4)[:, :, :3]


def await_picture(page: Page, selector: str, made: np.ndarray, apart: int = 1) -> None:
    """Wait until a canvas shows the first of these pictures (N, C, H, W), within so many levels."""
    script = """([selector, wanted, apart]) => {
        const canvas = document.querySelector(selector);
        if (!canvas) return false;
        const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
        return data.length === 4 * wanted.length && wanted.every((x, i) => Math.abs(data[4 * i] - x) <= apart);
    }"""
    page.wait_for_function(script, arg=[selector, np.rint(made[0, 0] * 255).ravel().tolist(), apart])


def files(*sizes: tuple[int, int]) -> list[dict[str, object]]:
    """Pictures of these sizes, as a person chooses them."""
    return [
        {"name": f"photo {number}.png", "mimeType": "image/png", "buffer": picture(size)}
        for number, size in enumerate(sizes)
    ]
