"""Fitting pictures of any size to what a model takes, and its answer back to the pictures' size.

A checkpoint declares one strategy for each of its graphs; they are carried out here, so that every model has them:

    resize   in to the model's size, back to the picture's
    pad      mirrored at the bottom and the right up to the model's multiple, cropped back
    chroma   the model sees a small gray and answers in colour; a and b of its Lab are enlarged and joined to the
             picture's own L at full size, so that no detail is lost

Pictures are (N, C, H, W), uint8 (0 to 255) or float32 in [0, 1], with any strides; answers have their dtype.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zoo.errors import UsageError, ZooError
from zoo.inference import color

if TYPE_CHECKING:
    from zoo.catalog.spec import Fit, ImageSpec

Floats: TypeAlias = NDArray[np.float32]
# uint8, 0 to 255, or float32 in [0, 1]
Levels: TypeAlias = NDArray[Any]
Run: TypeAlias = Callable[[Floats], Floats]
T = TypeVar("T")

# A chroma model that takes any size sees at most this: colours need no more, and memory stays bounded.
_CHROMA_SIDE = 512
# Full-size work goes block by block: small enough for a processor's cache.
_BLOCK_PIXELS = 1 << 16
_BLOCK_WIDTH = 512


def fit_translate(fit: Fit, images: Levels, run: Run, spec: ImageSpec) -> Levels:
    """Translate pictures (N, C, H, W) of any size by `run`, which takes what `spec` says.

    `run` is called once, with float32 (N, spec.channels, h, w) in [0, 1], and gives (N, C2, h2, w2), which is clamped
    to [0, 1]. The answer is (N, C2, H, W) of the input's dtype, stored with channels last: an (H, W, C2) view for
    writing is contiguous. C is 1 or 3: one-channel models get luma, three-channel models get gray repeated.

    Raises UsageError for pictures or a strategy that can't be taken, ZooError for an answer that is no picture.
    """
    _check(images)
    if fit == "resize":
        return _resize(images, run, spec)
    if fit == "pad":
        return _pad(images, run, spec)
    if fit == "chroma":
        return _chroma(images, run, spec)
    raise _unsupported(fit)


def fit_encode(fit: Fit, images: Levels, run: Callable[[Floats], T], spec: ImageSpec) -> T:
    """What `run` answers to pictures brought to the size that `spec` says: nothing is brought back."""
    _check(images)
    if fit == "tile":
        raise _unsupported(fit)
    if fit == "pad":
        return run(_padded(_with_channels(images, spec.channels), spec))
    return run(_shrunk(_with_channels(images, spec.channels), _model_size(images, spec)))


def _resize(images: Levels, run: Run, spec: ImageSpec) -> Levels:
    answer = _answer(run, _shrunk(_with_channels(images, spec.channels), _model_size(images, spec)))
    result = _empty_result(images, answer.shape[1])
    for target, picture in zip(result, answer, strict=True):
        for rows, columns, values in _resampled(picture, target.shape[1:]):
            target[:, rows, columns] = _as_dtype(values.clip(0, 1), target.dtype)
    return result


def _pad(images: Levels, run: Run, spec: ImageSpec) -> Levels:
    padded = _padded(_with_channels(images, spec.channels), spec)
    answer = _answer(run, padded)
    if answer.shape[2:] != padded.shape[2:]:
        raise ZooError(f"the model answered {_size(answer)} to a picture of {_size(padded)}: 'pad' needs equal sizes")
    result = _empty_result(images, answer.shape[1])
    result[:] = _as_dtype(answer[:, :, : images.shape[2], : images.shape[3]], images.dtype)
    return result


def _chroma(images: Levels, run: Run, spec: ImageSpec) -> Levels:
    grays = _with_channels(images, 1)
    size = spec.size or _round_up(*_at_most(images.shape[2:], _CHROMA_SIDE), spec.multiple)
    answer = _answer(run, _with_channels(_shrunk(grays, size), spec.channels))
    if answer.shape[1] != 3:
        raise ZooError(f"the model answered {answer.shape[1]} channels; 'chroma' needs RGB, which is 3")
    result = _empty_result(images, 3)
    for target, gray, rgb in zip(result, grays[:, 0], answer, strict=True):
        chroma = color.rgb_to_lab(rgb.transpose(1, 2, 0))[:, :, 1:].transpose(2, 0, 1)
        for rows, columns, (a, b) in _resampled(chroma, gray.shape):
            color.join(color.lightness(gray[rows, columns]), a, b, target[:, rows, columns])
    return result


def _resampled(planes: Floats, size: tuple[int, ...]) -> Iterator[tuple[slice, slice, Floats]]:
    """Planes (K, h, w) resampled to `size`, (height, width), block by block: (rows, columns, values).

    A column of blocks is widened first, then heightened block by block, so nothing of full size is held as floats; what
    shrinks is shrunk before. Values don't depend on the size of the blocks.
    """
    height, width = size
    if height < planes.shape[1]:
        planes = _interpolated(planes, height, slice(0, height))
    turned = np.ascontiguousarray(planes.swapaxes(1, 2))
    if width < turned.shape[1]:
        turned = _interpolated(turned, width, slice(0, width))
    for columns in _slices(width, max(_BLOCK_WIDTH, _BLOCK_PIXELS // height)):
        wide = np.ascontiguousarray(_interpolated(turned, width, columns).swapaxes(1, 2))
        for rows in _slices(height, max(1, _BLOCK_PIXELS // (columns.stop - columns.start))):
            yield rows, columns, _interpolated(wide, height, rows)


def _interpolated(planes: Floats, length: int, part: slice) -> Floats:
    """Rows `part` of planes (K, h, w) resampled to `length` rows, (K, part, w): smooth, averaged where it shrinks."""
    if planes.shape[1] == length:
        return planes[:, part]
    index, weight = _taps(planes.shape[1], length, part)
    total: Floats = planes.take(index[0], axis=1)
    total *= weight[0][:, None]
    for rows, weights in zip(index[1:], weight[1:], strict=True):
        tap = planes.take(rows, axis=1)
        tap *= weights[:, None]
        total += tap
    return total


def _taps(n_in: int, n_out: int, part: slice) -> tuple[NDArray[np.intp], Floats]:
    """Which of `n_in` samples make samples `part` of `n_out`, and their weights: both (taps, part).

    The kernel is cubic with B = C = 1/3 (Mitchell and Netravali, Reconstruction Filters in Computer Graphics, 1988):
    smoother than linear, next to no ringing. It is stretched where it shrinks, so that nothing is skipped.
    """
    stretch = max(1.0, n_in / n_out)
    center = (np.arange(part.start, part.stop) + 0.5) * (n_in / n_out) - 0.5
    first = np.floor(center - 2 * stretch).astype(np.intp) + 1
    index = first + np.arange(int(np.ceil(4 * stretch)))[:, None]
    x = np.abs(index - center) / stretch
    near = (7 * x**3 - 12 * x**2 + 16 / 3) / 6
    far = (-7 / 3 * x**3 + 12 * x**2 - 20 * x + 32 / 3) / 6
    weight = np.where(x < 1, near, np.where(x < 2, far, 0)) * ((index >= 0) & (index < n_in))
    total = np.zeros_like(center)
    for row in weight:  # one after another: numpy's own sum may round differently for another size of part
        total += row
    return index.clip(0, n_in - 1), (weight / total).astype(np.float32)


def _shrunk(images: Levels, size: tuple[int, int]) -> Floats:
    """Levels (N, C, H, W) at the size (h, w), as float32."""
    small = np.empty((*images.shape[:2], *size), np.float32)
    for target, picture in zip(small, images, strict=True):
        for plane, values in zip(target, picture, strict=True):
            plane[:] = _as_float(_resized(values, size))
    return small


def _resized(plane: Levels, size: tuple[int, int]) -> Levels:
    """A plane (H, W) at size (h, w), by Lanczos (Pillow, antialiased); what is far larger is averaged plainly first."""
    if plane.shape == size:
        return plane
    plane = np.ascontiguousarray(plane)
    mode = "L" if plane.dtype == np.uint8 else "F"
    height, width = plane.shape
    image = Image.frombuffer(mode, (width, height), plane, "raw", mode, 0, 1)
    resized: Levels = np.asarray(image.resize((size[1], size[0]), Image.Resampling.LANCZOS, reducing_gap=4.0))
    return resized if plane.dtype == np.uint8 else resized.clip(0, 1)


def _padded(images: Levels, spec: ImageSpec) -> Floats:
    """Levels mirrored at the bottom and the right up to the model's size, as float32."""
    height, width = images.shape[2:]
    if spec.size and (height > spec.size[0] or width > spec.size[1]):
        limit = f"{spec.size[1]} x {spec.size[0]}"
        raise UsageError(f"this model takes pictures of at most {limit} pixels, not {_size(images)}: make it smaller")
    below, beside = np.subtract(_model_size(images, spec), (height, width))
    return _as_float(np.pad(images, ((0, 0), (0, 0), (0, below), (0, beside)), mode="reflect"))


def _answer(run: Run, batch: Floats) -> Floats:
    """What the model answers, checked to be pictures and clamped to [0, 1]."""
    answer = np.asarray(run(np.ascontiguousarray(batch)))
    if answer.ndim != 4 or len(answer) != len(batch) or 0 in answer.shape:
        raise ZooError(f"the model answered an array of shape {answer.shape} to one of shape {batch.shape}")
    for number, picture in enumerate(answer):
        if not np.isfinite(picture).all():
            kind = "NaN" if np.isnan(picture).any() else "infinity"
            raise ZooError(f"the model answered {kind} to picture {number + 1} of {len(batch)}: damaged weights?")
    return answer.clip(0, 1).astype(np.float32, copy=False)


def _check(images: Levels) -> None:
    if images.ndim != 4 or images.dtype not in (np.uint8, np.float32):
        raise UsageError(f"pictures must be (N, C, H, W), uint8 or float32, not {images.shape}, {images.dtype}")
    if images.shape[1] not in (1, 3):
        raise UsageError(f"pictures must have 1 or 3 channels, not {images.shape[1]} (shape {images.shape})")
    if 0 in images.shape:
        raise UsageError(f"there is no picture in an array of shape {images.shape}")
    if images.dtype == np.float32 and not (images.min() >= -1e-3 and images.max() <= 1 + 1e-3):
        raise UsageError("float32 pictures must be in [0, 1] and have no NaN: divide levels of 0 to 255 by 255")


def _unsupported(fit: str) -> UsageError:
    return UsageError(f"the fit {fit!r} is not supported by this version of the zoo")


def _model_size(images: Levels, spec: ImageSpec) -> tuple[int, int]:
    return spec.size or _round_up(images.shape[2], images.shape[3], spec.multiple)


def _with_channels(images: Levels, channels: int) -> Levels:
    """Pictures of the channels a model takes: luma for one, gray repeated for three."""
    if images.shape[1] == channels:
        return images
    if images.shape[1] == 3 and channels == 1:
        return color.gray_of(images)
    if images.shape[1] == 1 and channels == 3:
        return color.rgb_of(images)
    raise UsageError(f"this model takes pictures of {channels} channels, not {images.shape[1]}")


def _round_up(height: int, width: int, multiple: int) -> tuple[int, int]:
    return -(-height // multiple) * multiple, -(-width // multiple) * multiple


def _at_most(size: tuple[int, ...], side: int) -> tuple[int, int]:
    """(height, width) scaled down so that the longer is at most `side`."""
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _empty_result(images: Levels, channels: int) -> Levels:
    """An (N, channels, H, W) view of an array with channels last, of the pictures' dtype."""
    count, _, height, width = images.shape
    return np.empty((count, height, width, channels), images.dtype).transpose(0, 3, 1, 2)


def _as_float(values: Levels) -> Floats:
    return values * np.float32(1 / 255) if values.dtype == np.uint8 else values.astype(np.float32, copy=False)


def _as_dtype(values: Floats, dtype: np.dtype[Any]) -> Levels:
    return np.rint(values * np.float32(255)).astype(np.uint8) if dtype == np.uint8 else values


def _slices(length: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, length)) for start in range(0, length, step))


def _size(images: Levels) -> str:
    return f"{images.shape[3]} x {images.shape[2]}"
