"""How far colours spill over outlines: chroma's error near strong edges of lightness, with and without the guide.

pip install latent-zoo && python benchmarks/spill.py MODEL --data pack:photos11k --split test

MODEL is a colorizer; or `oracle`, the photo's own chroma averaged to 64x64; or `oracle256`, the same enlarged linearly
to 256x256, as networks answer. Before: a and b of the answer's Lab are enlarged smoothly. After: the fit `chroma`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo import load
from zoo.catalog.ports import ImageSpec
from zoo.datasets import open_source
from zoo.inference.fit import fit_translate
from zoo.inference.fit.guided import at_size
from zoo.inference.fit.resampling import resampled, shrunk
from zoo.pictures import color
from zoo.pictures.edges import edges

# Edges are the lines `edges` finds at three times its thresholds; near is what lies within 3 pixels.
THRESHOLDS, NEAR = 3.0, 3
ORACLES = {"oracle": 64, "oracle256": 256}
HEAD = "| model | data | photos | near edges | | elsewhere | | PSNR, dB |\n|---|---|---|---|---|---|---|---|"

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]
Answer = Callable[[Pixels, Pixels], Floats]


def asked(name: str) -> tuple[ImageSpec, Answer]:
    """What a model takes, and its answer (1, 3, h, w) to a photo (3, H, W), of which it sees the gray (1, 1, H, W)."""
    if name in ORACLES:
        return ImageSpec(channels=1, size=(256, 256)), partial(truth, side=ORACLES[name])
    model = load(name)
    spec = model.interface.takes("translate")
    size = spec.size
    assert model.interface.fit("translate").strength, f"{name} is no colorizer"
    assert size, f"{name} takes any size: this script is for models of one size"
    return spec, lambda _, gray: model.backend.run("translate", shrunk(gray, size))[0]


def truth(photo: Pixels, _: Pixels, side: int) -> Floats:
    """The photo itself, averaged to 64x64 in Lab, at another size."""
    lab = color.rgb_to_lab(photo.transpose(1, 2, 0)).transpose(2, 0, 1)
    small = at_size(at_size(lab, (min(64, lab.shape[1]), min(64, lab.shape[2]))), (side, side))
    return color.lab_to_rgb(np.ascontiguousarray(small.transpose(1, 2, 0))).transpose(2, 0, 1)[None]


def smooth(gray: Pixels, answer: Floats) -> Pixels:
    """The answer's chroma, enlarged without a guide and joined to the gray (1, 1, H, W): uint8 (3, H, W)."""
    chroma = color.rgb_to_lab(answer[0].transpose(1, 2, 0))[:, :, 1:].transpose(2, 0, 1)
    made = np.empty((3, *gray.shape[2:]), np.uint8)
    for rows, columns, (a, b) in resampled(chroma, gray.shape[2:]):
        color.join(color.lightness(gray[0, 0, rows, columns]), a, b, made[:, rows, columns])
    return made


def guided(gray: Pixels, answer: Floats, spec: ImageSpec) -> Pixels:
    """What the fit `chroma` makes of an answer (1, 3, h, w) to the gray (1, 1, H, W): uint8 (3, H, W)."""
    made: Pixels = fit_translate("chroma", gray, lambda _: answer, spec)[0]
    return made


def errors(photo: Pixels, made: Pixels, near: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Mean distance in a and b of Lab near edges and elsewhere, NaN where there is none, and PSNR in dB."""
    true, given = (color.rgb_to_lab(image.transpose(1, 2, 0))[..., 1:] for image in (photo, made))
    distance = np.linalg.norm(given - true, axis=-1)
    square = float(np.square(made.astype(np.float32) - photo).mean())
    means = [float(distance[part].mean()) if part.any() else np.nan for part in (near, ~near)]
    return means[0], means[1], 10 * np.log10(255**2 / max(square, 1e-3))


def smaller(photo: Pixels, side: int | None) -> Pixels:
    """The photo, averaged down to a short side of at most `side`."""
    height, width = photo.shape[1:]
    scale = side / min(height, width) if side else 1.0
    if scale >= 1:
        return photo
    size = round(width * scale), round(height * scale)
    resized = np.asarray(Image.fromarray(photo.transpose(1, 2, 0)).resize(size, Image.Resampling.BOX))
    return np.ascontiguousarray(resized.transpose(2, 0, 1))


def main() -> None:
    """Print a row of the table: means over photos of each photo's means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--data", default="pack:photos11k")
    parser.add_argument("--split", default="test")
    parser.add_argument("--side", type=int, help="make photos smaller first, to this short side")
    options = parser.parse_args()
    spec, answer_of = asked(options.model)
    source = open_source(options.data, options.split)
    found = []
    for index in range(len(source)):
        photo = smaller(source.picture(index), options.side)
        gray = color.gray_of(photo[None])
        lines = (edges(gray[0, 0], THRESHOLDS) == 0).astype(np.uint8)
        near = cv2.dilate(lines, np.ones((2 * NEAR + 1, 2 * NEAR + 1), np.uint8)) > 0
        answer = answer_of(photo, gray)
        found.append([errors(photo, made, near) for made in (smooth(gray, answer), guided(gray, answer, spec))])
    before, after = np.nanmean(found, axis=0)
    sized = f", short side {options.side}" if options.side else ""
    change = [f"{100 * (new / old - 1):+.1f} %" for old, new in zip(before, after, strict=True)]
    print(HEAD)
    print(
        f"| {options.model} | {options.data}, {options.split}{sized} | {len(source)} "
        f"| {before[0]:.2f} to {after[0]:.2f} | {change[0]} | {before[1]:.2f} to {after[1]:.2f} | {change[1]} "
        f"| {before[2]:.3f} to {after[2]:.3f} |"
    )


if __name__ == "__main__":
    main()
