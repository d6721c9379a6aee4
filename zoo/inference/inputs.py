"""Pictures as people hold them, as the arrays that models work on."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import UsageError
from zoo.pictures.images import Picture, from_pil, read_picture, to_array

Picturelike: TypeAlias = "Image.Image | str | PathLike[str]"
Images: TypeAlias = "NDArray[Any] | Picturelike | Sequence[Picturelike]"


def pictures(images: Images) -> NDArray[Any]:
    """Any kind of input as an array (N, 1 or 3, H, W), uint8, uint16 or float32 in [0, 1]."""
    if isinstance(images, np.ndarray):
        if images.dtype.kind not in "uifb":
            raise UsageError(f"pictures must be numbers, not an array of {images.dtype}")
        return images if images.dtype in (np.uint8, np.uint16) else images.astype(np.float32, copy=False)
    several = isinstance(images, Sequence) and not isinstance(images, str)
    items = cast("Sequence[Picturelike]", images if several else [images])
    arrays = [to_array(_read(item)) for item in items]
    if not arrays:
        raise UsageError("no pictures: give at least one")
    if len({array.shape for array in arrays}) != 1:
        raise UsageError("the pictures of one call must have one size and one number of channels; call once for each")
    return np.stack(arrays)


def _read(item: Picturelike) -> Picture:
    if isinstance(item, str | PathLike):
        return read_picture(item)
    if isinstance(item, Image.Image):
        return from_pil(item)
    raise UsageError(f"a picture is a path, a PIL image, or in an array (N, C, H, W), not a {type(item).__name__}")
