"""Make the picture of each bundled model's card: python scripts/card_pictures.py [ID ...]

Pictures are ID.jpg beside the card, in small files: a card shows one, and its caption says what it is. Needs the data
packs (docs/data.md) and `pip install 'latent-zoo[train]'`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.catalog.registry import Registry
from zoo.datasets import open_source
from zoo.evaluation.attributes import Arithmetic, learned
from zoo.evaluation.evaluate import evaluated_size, labels_of, recipe_of, role_of
from zoo.evaluation.translation import pair
from zoo.inference.model import Model
from zoo.loading import find_checkpoint, load
from zoo.metrics.features import FeatureNet
from zoo.metrics.levels import Pictures, levels, unit
from zoo.pictures.sheets import cross_fade, sheet

REGISTRY = Registry.discover()
Pixels = NDArray[np.uint8]
SHOWN = 8
WIDEST = 1200
# By Aitzol Berasategi, Dezidor, Hao Wei, Harrieta, Wolfgang Staudt, Elarbi alaeddin, Lolalatorre, Yann.
SCENES = (
    *("picosdeeuropa", "zimniPalace", "greatWall", "parthenon"),
    *("windmill9", "dam1", "empireState", "tajMahal"),
)
CHANGED = ("glasses", "smile", "male", "long_hair")


def samples(model: Model) -> tuple[Pixels, int]:
    """The first 32 pictures of seed 0, unpicked."""
    return levels(model.generate(32, seed=0)), SHOWN


def jobs(model: Model) -> tuple[Pixels, int]:
    """Rows: what the model is given, its answer, the true picture; of evenly spaced held-out pictures."""
    recipe = recipe_of(model.config, REGISTRY)
    assert recipe
    size = evaluated_size(model, role_of(model, recipe), recipe, None) or (recipe.data.evaluated_size,) * 2
    made = model.interface.gives("translate")
    pictures = Pictures(open_source(recipe.data.source, recipe.data.splits.card, made.channels), size)
    pairs = [pair(pictures, index, recipe.degrade) for index in showable(pictures, SHOWN)]
    given = np.stack([np.broadcast_to(one, true.shape) for one, true in pairs])
    answers = np.concatenate([model.translate(one[None]) for one, _ in pairs])
    return np.concatenate([given, answers, np.stack([true for _, true in pairs])]), SHOWN


def held_out(model: Model) -> Pictures:
    """The pictures the card's figures are of, at the model's size."""
    recipe = recipe_of(model.config, REGISTRY)
    spec = model.interface.takes("encode")
    assert recipe and spec.size
    return Pictures(open_source(recipe.data.source, recipe.data.splits.card, spec.channels), (*spec.size,))


def showable(pictures: Pictures, count: int) -> list[int]:
    """Evenly spaced pictures among those whose licence lets them be shown; photographs are named for their credits."""
    free = [place for place in range(len(pictures)) if _free(_licence(pictures.labels(place)))]
    places = [free[i] for i in np.linspace(0, len(free) - 1, count).round().astype(int)]
    for place in places:
        row = pictures.labels(place)
        if "author" in row or "original" in row:
            print("   shows", row["file"], "|", row.get("author") or row["original"], "|", _licence(row))
    return places


def _licence(row: Mapping[str, str]) -> str:
    """What the pack's index says; rendered pictures have none."""
    return row.get("licence") or row.get("license") or "CC0"


def _free(licence: str) -> bool:
    return licence.lower().startswith(("cc", "public-domain", "mit"))


def transitions(model: Model) -> tuple[Pixels, int]:
    """Eight photos of another pack that may be shown, their reconstructions, and the ways between two pairs of them."""
    size = model.interface.takes("encode").size
    assert size
    pictures = Pictures(open_source("pack:photos", "train", 3), size)
    places = {pictures.labels(place)["file"]: place for place in range(len(pictures))}
    given = unit(pictures.array([next(places[file] for file in places if name in file) for name in SCENES]))
    rows, codes = [given, model.translate(given)], model.encode(given)
    for first, last in ((0, 2), (1, 3)):
        way = model.interpolate(codes[first], codes[last], steps=SHOWN)
        rows += [way, cross_fade(given[first], given[last], SHOWN)]
    return levels(np.concatenate(rows)), SHOWN


def attributes(model: Model) -> tuple[Pixels, int]:
    """Rows: held-out faces, their reconstructions, and these with each attribute the other way round, as measured."""
    net = FeatureNet(load("feature-net.faces", registry=REGISTRY))
    pictures = held_out(model)
    train = Pictures(open_source("pack:faces", "train", 3), pictures.size)
    places = [net.labels.index(name) for name in CHANGED]
    known = labels_of(net.model, recipe_of(net.model.config, REGISTRY))
    directions, _ = learned(model, train, [known[place] for place in places])
    arithmetic = Arithmetic(model, net, directions, places)
    size = train.picture(0).size
    pixels = pictures.array(showable(pictures, SHOWN))
    codes = model.encode(unit(pixels))
    made = arithmetic.decoded(codes, size)
    answers, rows = arithmetic.answers(made), [pixels, made]
    table = next(metric.protocol for metric in model.config.metrics if metric.name == "glasses_flips")
    strengths = {
        name: (float(add), float(take)) for name, add, take in re.findall(r"(\w+) \+([\d.]+)/-([\d.]+)", table)
    }
    for place, name in enumerate(CHANGED):
        adding, removing = strengths[name]
        steps = np.where(answers[:, place], -removing, adding).astype(np.float32)
        rows.append(arithmetic.decoded(codes + steps[:, None] * directions.vectors[place], size))
    return np.concatenate(rows), SHOWN


def plane(model: Model) -> tuple[Pixels, int]:
    """What the latents of a plane decode to, in steps of 0.4 standard deviations."""
    steps = np.linspace(-2.4, 2.4, 13, dtype=np.float32)
    return levels(model.decode(np.array([(x, y) for y in steps[::-1] for x in steps]))), len(steps)


SHOWS: dict[str, Callable[[Model], tuple[Pixels, int]]] = {
    "conv-vae.faces": samples,
    "conv-vae.faces-color": jobs,
    "conv-vae.faces-denoise": jobs,
    "conv-vae.faces128": attributes,
    "conv-vae.mnist-2d": plane,
    "conv-vae.scenes": transitions,
    "colorizer-ae.photos": jobs,
    "colorizer-unet.photos": jobs,
    "dcgan.faces": samples,
    "dcgan.mnist": samples,
    "dense-vae.mnist": samples,
    "pix2pix.emoji": jobs,
}


def main() -> None:
    """Make the pictures of the models named, else of all that are here."""
    for name in sys.argv[1:] or sorted(set(SHOWS) & set(REGISTRY.models)):
        model = load(name, registry=REGISTRY)
        pictures, columns = SHOWS[name](model)
        target = find_checkpoint(name, REGISTRY).folder / f"{name}.jpg"
        pixels = sheet(pictures, columns=columns, side=96 if columns <= SHOWN else 56).pixels.squeeze()
        image = Image.fromarray(pixels)
        image.thumbnail((WIDEST, WIDEST))
        image.save(target, quality=85, optimize=True)
        print(target, f"{target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
