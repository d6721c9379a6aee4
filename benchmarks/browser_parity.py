"""Every bundled model in the browser against the library: seeds, decode, encode, translate, in levels of 255.

apt-get install chromium && pip install 'latent-zoo[ui]' playwright && python benchmarks/browser_parity.py [MODEL ...]

Pictures are given as PNG, so that what differs is the zoo's arithmetic and not how two programs read a JPEG.
"""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from chromium import chromium, zoo_web
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page

from zoo.catalog.registry import Registry
from zoo.inference.model import Model

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PHOTOS, DRAWINGS = ("windmill.jpg", "minaret.jpg"), ("sketch-house.png", "sketch-fish.png")
SIDES = (200, 256, 333, 1400)
SEEDS = 8
BOUND = 2
CALL = """async ([id, name, given, picture]) => {
    const { Engine } = await import(new URL('page/local/engine.js', document.baseURI));
    const { usual } = await import(new URL('page/told.js', document.baseURI));
    const engine = (window.zoo ??= new Engine());
    const bytes = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const text = (data) => {
        const all = new Uint8Array(data.buffer ?? data, data.byteOffset ?? 0, data.byteLength);
        let out = '';
        for (let i = 0; i < all.length; i += 8192) out += String.fromCharCode(...all.subarray(i, i + 8192));
        return btoa(out);
    };
    engine.told.set(id, usual(await engine.model(id)));
    if (picture) given.unshift(new Blob([bytes(picture)], { type: 'image/png' }));
    else if (name !== 'draw') given[0] = new Float32Array(bytes(given[0]).buffer);
    const answer = await engine[name](id, ...given);
    return text(answer.blob ? await answer.blob.arrayBuffer() : answer.data ?? answer);
}"""


class Browsed:
    """A model in the browser."""

    def __init__(self, page: Page, name: str) -> None:
        self.page, self.name = page, name

    def ask(self, call: str, *given: Any, picture: bytes = b"") -> bytes:
        """The bytes that the engine of the page answers."""
        text = self.page.evaluate(CALL, [self.name, call, list(given), base64.b64encode(picture).decode()])
        return base64.b64decode(text)

    def numbers(self, call: str, *given: Any, picture: bytes = b"") -> NDArray[np.float32]:
        """The same as float32."""
        return np.frombuffer(self.ask(call, *given, picture=picture), np.float32)

    def pictures(self, call: str, latents: NDArray[np.float32], *given: Any) -> NDArray[np.uint8]:
        """The levels of pictures, one after another."""
        text = base64.b64encode(latents.astype(np.float32).tobytes()).decode()
        return np.frombuffer(self.ask(call, text, *given), np.uint8)


def levels(pictures: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pictures (N, C, H, W) as the browser has them."""
    return np.rint(pictures * 255).astype(np.uint8).transpose(0, 2, 3, 1).ravel()


def apart(one: NDArray[Any], other: NDArray[Any]) -> float:
    """The largest difference."""
    return float(np.abs(one.astype(np.float64).ravel() - other.astype(np.float64).ravel()).max())


def given_to(model: Model) -> list[tuple[Image.Image, bytes]]:
    """Pictures of the kind that a model takes, of its size and of others, and their files."""
    interface = model.interface
    drawings = "translate" in interface.roles and interface.fit("translate").of_drawings
    made = []
    for name in DRAWINGS if drawings else PHOTOS:
        image = Image.open(EXAMPLES / name).convert("RGB")
        for side in SIDES:
            small = image.resize((side, round(side * image.height / image.width)), Image.Resampling.LANCZOS)
            data = BytesIO()
            small.save(data, "PNG")
            made.append((small, data.getvalue()))
    return made


def latents_apart(model: Model, browsed: Browsed) -> dict[str, float]:
    """Seeds, decode and what is made of latents."""
    latents = model.draw(SEEDS)
    found = {"draw": apart(browsed.numbers("draw", SEEDS, 0), latents)}
    found["decode"] = apart(browsed.pictures("decode", latents), levels(model.decode(latents, **told(model))))
    like = browsed.pictures("vary", latents[0], {"strength": 0.3, "n": 4, "seed": 3})
    found["vary"] = apart(like, levels(model.vary(latents[0], 0.3, 4, 3)))
    return found


def told(model: Model) -> dict[str, Any]:
    """What the page tells a model at first."""
    return {
        one.name: one.labels[0] if one.labels else sum(one.range or (0, 0)) / 2 for one in model.interface.conditions
    }


def pictures_apart(model: Model, browsed: Browsed) -> dict[str, float]:
    """Encode (in units of the latent, and as pictures decoded again) and translate, the worst of some pictures."""
    found: dict[str, float] = {}

    def worse(what: str, value: float) -> None:
        found[what] = max(found.get(what, 0.0), value)

    for image, data in given_to(model):
        if "encode" in model.capabilities:
            latent = browsed.numbers("encode", {}, picture=data)
            worse("encode", apart(latent, model.encode(image)))
            if "decode" in model.capabilities:
                again = browsed.pictures("decode", latent)
                worse("encode and decode", apart(again, levels(model.decode(model.encode(image)))))
        if "translate" in model.capabilities:
            worse("translate", translated(model, browsed, image, data, {}))
            if model.interface.fit("translate").strength:
                worse("strength 1.5", translated(model, browsed, image, data, {"strength": 1.5}))
            if "candidates" in model.interface.roles:
                worse("candidate 2", translated(model, browsed, image, data, {"candidate": 1}))
    return found


def translated(model: Model, browsed: Browsed, image: Image.Image, data: bytes, how: dict[str, Any]) -> float:
    """The largest difference between two answers to a picture."""
    answer = browsed.ask("translate", {**how, "format": "png"}, picture=data)
    shown = np.asarray(Image.open(BytesIO(answer)).convert("RGB"), float)
    strength = how.get("strength", 1.0)
    many = model.candidates(image, 2, strength=strength)[-1] if how.get("candidate") else None
    mine = many if many is not None else model.translate(image, strength=strength)[0]
    return apart(shown, np.rint(np.broadcast_to(mine, (3, *mine.shape[1:])).transpose(1, 2, 0) * 255))


def main() -> None:
    """Print the table; exit with 1 if a picture is further apart than the bound."""
    names = sys.argv[1:] or list(Registry.discover().models)
    worst = 0.0
    print("| model | largest difference, levels of 255 (draw, encode: of the latent) |\n|---|---|")
    with (
        tempfile.TemporaryDirectory() as folder,
        zoo_web(Path(folder), *names) as (shelf, hosted),
        chromium() as browser,
    ):
        page = browser.new_page()
        page.set_default_timeout(300_000)
        page.goto(hosted.address)
        for name in names:
            model = shelf.open(name)
            browsed = Browsed(page, model.id)
            found = latents_apart(model, browsed) if "generate" in model.capabilities else {}
            found |= pictures_apart(model, browsed)
            worst = max([worst, *(value for what, value in found.items() if what not in ("draw", "encode"))])
            print(f"| `{name}` | {', '.join(f'{what} {value:.3g}' for what, value in found.items())} |", flush=True)
    print(json.dumps({"worst": worst, "bound": BOUND}), file=sys.stderr)
    sys.exit(worst > BOUND)


if __name__ == "__main__":
    main()
