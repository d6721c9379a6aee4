"""One picture from bytes to bytes: what every run over pictures has in common, wherever they lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from zoo.inference.expected import has_limits, translated
from zoo.pictures.deep import eight_bits
from zoo.pictures.formats import BY_NAME
from zoo.pictures.images import DEFAULT_MAX_PIXELS, Picture, read_picture, side_by_side, writable_format
from zoo.pictures.writing import encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zoo.inference.model import Model


# A picture piped through keeps its format if that holds colours well, else it becomes a PNG.
STREAM_SUFFIXES = {".jpeg", ".png", ".webp", ".tiff", ".bmp"}


@dataclass(frozen=True)
class Options:
    """How pictures are read and written.

    `from_photo` gives a model of drawings the lines of each picture. With `cell`, an outcome has the result, beside its
    input if `side_by_side`, small enough for squares of so many pixels. `strength` is a factor on the colours of a
    colorizer. With `skip_existing` a picture whose result is there is done, and is not read.
    """

    force: bool = False
    side_by_side: bool = False
    from_photo: bool = False
    cell: int | None = None
    max_pixels: int = DEFAULT_MAX_PIXELS
    quality: int = 95
    strength: float = 1.0
    skip_existing: bool = False


@dataclass(frozen=True, eq=False)
class Made:
    """A result as the bytes of its file, with notes about the input; `cell` and `unlike` are those of an outcome."""

    data: bytes
    notes: tuple[str, ...] = ()
    cell: NDArray[np.uint8] | None = None
    unlike: bool = False


def make(
    model: Model,
    source: Path | bytes | BinaryIO,
    kind: str | None,
    options: Options,
    candidate: int = 0,
    *,
    name: str = "the picture",
    target: str = "the result",
) -> Made:
    """Translate the picture of a file, which is given as a path, its bytes or a stream.

    `kind` is Pillow's name of the result's format; None is the picture's own if that holds colours well, else PNG.
    `name` is what messages call bytes, `target` what they call the result. Raises what reading a picture and the model
    raise, and UsageError for a result that is too large for its format.
    """
    fit = model.interface.fit("translate")
    deep = fit.deep and not options.side_by_side and (kind is None or BY_NAME[kind].deep)
    picture = read_picture(source, channels_read(model, options), options.max_pixels, name=name, deep=deep)
    shown, result, unlike = answer_to(model, picture, options, candidate)
    cell = _cell((picture, result) if options.side_by_side else (result,), options.cell) if options.cell else None
    if options.side_by_side:
        result = side_by_side(shown, result)
    data = encoded(result, kind or _own_kind(picture), options.quality, target).getvalue()
    return Made(data, (*picture.notes, *advice(model, picture, options)), cell, unlike)


def _own_kind(picture: Picture) -> str:
    suffix = f".{picture.format.lower()}"
    return writable_format(suffix if suffix in STREAM_SUFFIXES else ".png")


def channels_read(model: Model, options: Options) -> int:
    """The channels that pictures for a model are read with: 1 for gray, 3 for RGB."""
    return 1 if model.interface.takes("translate").channels == 1 and not options.from_photo else 3


def answer_to(model: Model, picture: Picture, options: Options, candidate: int = 0) -> tuple[Picture, Picture, bool]:
    """What the model is shown of a picture, and its answer with the picture's alpha, profile, EXIF and density.

    With them, whether the model was trained on pictures of another kind, so far as it can tell.
    """
    unlike = False
    if options.from_photo:
        shown, made = _from_photo(model, picture)
    else:
        shown, made, unlike = picture, *_answer(model, picture, candidate, options.strength)
    levels = made if made.dtype == np.uint16 else None
    pixels = made if levels is None else eight_bits(levels)
    # The paper of a drawing may be transparent; what is painted between its lines is not.
    alpha = None if model.interface.fit("translate").of_drawings else _alpha(picture, pixels)
    return shown, replace(picture, pixels=pixels, deep=levels, alpha=alpha), unlike


def _alpha(picture: Picture, made: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """The picture's alpha, at the size of what was made of it."""
    if picture.alpha is None or picture.alpha.shape == made.shape[:2]:
        return picture.alpha
    return np.asarray(Image.fromarray(picture.alpha).resize(made.shape[1::-1], Image.Resampling.BICUBIC))


def _answer(model: Model, picture: Picture, number: int = 0, strength: float = 1.0) -> tuple[NDArray[Any], bool]:
    """The model's answer (H, W, C) to a picture as it is, or one of several by its number, from 0; uint16 if it is.

    With it, whether the model was trained on pictures of another kind, so far as it can tell.
    """
    levels = picture.pixels if picture.deep is None else picture.deep
    pixels = levels.transpose(2, 0, 1)[None]
    if number:
        answer, unlike = model.candidate(pixels, number, strength=strength), False
    elif has_limits(model):
        answer, unlike = translated(model, pixels, strength)
    else:
        answer, unlike = model.translate(pixels, strength), False
    made: NDArray[Any] = answer[0].transpose(1, 2, 0)
    return made, unlike


def _from_photo(model: Model, picture: Picture) -> tuple[Picture, NDArray[Any]]:
    """The picture beside its lines, and the answer (H, W, C) to these; a model of drawings has a square input."""
    from zoo.pictures.drawings import trace

    square = model.interface.takes("translate").size
    assert square is not None
    lines, (rows, columns) = trace(picture.pixels, square[0])
    size = picture.pixels.shape[1::-1]
    made = _answer(model, Picture(lines[:, :, None]))[0][rows, columns]
    drawn = Image.fromarray(lines[rows, columns]).resize(size, Image.Resampling.BICUBIC)
    shown = side_by_side(picture, Picture(np.asarray(drawn)[:, :, None]))
    return shown, np.asarray(Image.fromarray(made).resize(size, Image.Resampling.BICUBIC))


def advice(model: Model, picture: Picture, options: Options) -> tuple[str, ...]:
    """What to try where a model of drawings was given something else."""
    if not model.interface.fit("translate").of_drawings or options.from_photo:
        return ()
    from zoo.pictures.drawings import is_no_drawing

    looks = is_no_drawing(picture.pixels[:, :, 0])
    return ("this does not look like a line drawing; --from-photo draws its lines first",) if looks else ()


def _cell(pictures: Sequence[Picture], side: int) -> NDArray[np.uint8]:
    """Pictures beside each other, each in the middle of a white square: (3, side, side * len(pictures))."""
    cell = np.full((side, side * len(pictures), 3), 255, np.uint8)
    for number, picture in enumerate(pictures):
        pixels = picture.pixels if picture.pixels.shape[2] == 3 else picture.pixels.repeat(3, axis=2)
        image = Image.fromarray(pixels)
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        top, left = (side - image.height) // 2, side * number + (side - image.width) // 2
        cell[top : top + image.height, left : left + image.width] = np.asarray(image)
    return cell.transpose(2, 0, 1)
