"""What the latent verbs work on, as it is typed: a picture, `seed:N`, or a row of a file of latents."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zoo.arrays import Floats
from zoo.catalog.ports import agrees
from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UnsupportedCapability, UsageError, ZooError
from zoo.files import refuse_existing, write_whole
from zoo.inference.expected import unlike
from zoo.inference.fit import fit_encode
from zoo.inference.model import Model
from zoo.pictures.color import rgb_of
from zoo.pictures.images import read_picture

SUFFIX = ".npz"
MAX_DRAW = 10_000
# What is unpacked of a file that may be untrusted; a million latents of 1024 numbers take 4 GB and are not expected.
_MAX_BYTES = {"latents": 2**30, "std": 2**30, "names": 2**27, "model": 2**16}
_SEED = re.compile(r"seed:(?P<seed>\d{1,20})(:(?P<draw>\d{1,9}))?")
_ROW = re.compile(rf"(?P<file>.+\{SUFFIX}):(?P<row>\d{{1,15}})", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, eq=False)
class Latents:
    """A file of latents: `latents` (N, *shape) float32, `names` of what was encoded, the `model` that did it.

    `std`, of the latents' shape, is the posterior's standard deviation, if it was asked for.
    """

    latents: Floats
    names: tuple[str, ...]
    model: str
    std: Floats | None = None


@dataclass(frozen=True, eq=False)
class Operand:
    """Latents (N, *latent_shape) that one word means, a name for each, and the file they come from.

    `picture` is what was encoded, as the model sees it, (1, C, H, W); None for what was no picture. `unlike` says that
    it is of another kind than those that the model was trained on.
    """

    latents: Floats
    names: tuple[str, ...]
    file: Path | None = None
    picture: Floats | None = None
    model: str = ""
    unlike: bool = False

    def file_names(self) -> list[str]:
        """A PNG's name for each, of its number and what of its own name is safe in a file's name."""
        stems = (PurePath(name.replace("\\", "/")).stem for name in self.names)
        clean = (re.sub(r"[^\w-]+", "_", stem)[:80].strip("_") for stem in stems)
        return [f"{number:05d}{'-' if stem else ''}{stem}.png" for number, stem in enumerate(clean)]


def resolve(model: Model, text: str) -> Operand:
    """The one latent that a word means: a picture file, `seed:N`, `seed:N:DRAW`, `FILE.npz:ROW`.

    A file that exists is meant first, whatever its name. Raises UsageError for a file of several latents and no row,
    a row that is not there, latents of another shape; NotFoundError for a missing file; what reading a picture raises.
    """
    found = resolve_all(model, text)
    if len(found.latents) > 1:
        raise UsageError(f"{text} holds {len(found.latents)} latents: say which, {text}:0 to :{len(found.latents) - 1}")
    return found


def resolve_all(model: Model, text: str) -> Operand:
    """As `resolve`, but a file of latents without a row means all of them."""
    path, row = Path(text), None
    if not os.path.lexists(text):
        if text.startswith("seed:"):
            return _draw(model, text)
        match = _ROW.fullmatch(text)
        path, row = (Path(match["file"]), int(match["row"])) if match else (path, None)
        if not match or not os.path.lexists(path):
            raise NotFoundError(f"{text}: no such file; take a picture, seed:N, or FILE{SUFFIX}:ROW")
    if path.suffix.lower() == SUFFIX:
        return _rows(model, path, row)
    return _encoded(model, path)


def read_latents(path: Path) -> Latents:
    """Read a file that `zoo encode` wrote. Nothing in it is unpickled.

    Raises NotFoundError, or UnsafeFileError for a file that is damaged, too large, or something else.
    """
    if not path.is_file():
        raise NotFoundError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            arrays = {name: _member(archive, name, limit) for name, limit in _MAX_BYTES.items()}
    except PermissionError as error:
        raise DiskError(f"{path} can't be read: {error.strerror}") from error
    except Exception as error:  # a damaged archive raises whatever its parser stumbles over, MemoryError included
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UnsafeFileError(f"{path} is no file of latents: {reason}") from error
    if arrays["latents"] is None:
        raise UnsafeFileError(f"{path} holds no array 'latents'; `zoo encode` writes such files")
    latents, std = (_floats(path, name, arrays[name]) for name in ("latents", "std"))
    names, model = arrays["names"], arrays["model"]
    assert latents is not None
    if std is not None and std.shape != latents.shape:
        raise UnsafeFileError(f"{path}: 'std' must have the latents' shape {latents.shape}, not {std.shape}")
    if names is not None and (names.dtype.kind != "U" or names.shape != latents.shape[:1]):
        raise UnsafeFileError(f"{path}: 'names' must be {len(latents)} words, not {names.dtype} {names.shape}")
    called = tuple(map(str, names)) if names is not None else ("",) * len(latents)
    origin = str(model) if model is not None and model.shape == () and model.dtype.kind == "U" else ""
    return Latents(latents, called, origin, std)


def write_latents(path: Path, content: Latents, force: bool = False) -> None:
    """Write a file of latents, whole or not at all. Raises as `write_picture` does."""
    check_latents_target(path, force)
    arrays = {"latents": content.latents, "names": np.array(content.names), "model": np.array(content.model)}
    if content.std is not None:
        arrays["std"] = content.std
    data = BytesIO()
    np.savez(data, allow_pickle=False, **arrays)
    write_whole(path, data, force)


def encode_files(
    model: Model,
    files: Sequence[Path],
    std: bool = False,
    advance: Callable[[], None] = lambda: None,
    other: Callable[[Path], object] = lambda file: None,
) -> tuple[Latents | None, list[ZooError]]:
    """The latents of picture files, and the errors of those that can't be encoded; None if none can.

    `std` adds the posterior's standard deviation. `advance` is called after each file, `other` for each picture of
    another kind than those that the model was trained on.
    """
    found: list[tuple[str, tuple[Floats, ...]]] = []
    errors: list[ZooError] = []
    for file in files:
        try:
            pixels = read_picture(file).pixels.transpose(2, 0, 1)[None]
            arrays = model.posterior(pixels) if std else (model.encode(pixels),)
            if found and arrays[0].shape != found[0][1][0].shape:
                raise UsageError(f"{file} gives latents of another shape than {found[0][0]}: encode one size at a time")
            found.append((str(file), arrays))
            if unlike(model, pixels, arrays[0]):
                other(file)
        except UnsupportedCapability:
            raise
        except ZooError as error:
            errors.append(error)
        advance()
    if not found:
        return None, errors
    latents, *others = (np.concatenate(arrays) for arrays in zip(*(arrays for _, arrays in found), strict=True))
    return Latents(latents, tuple(name for name, _ in found), model.id, others[0] if others else None), errors


def check_latents_target(path: Path, force: bool = False) -> None:
    """Raise unless latents can be written to `path`: ask it before a long computation."""
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"{path}: latents are written to a file that ends in {SUFFIX}")
    refuse_existing(path, force)


def refuse_input(target: Path, inputs: Sequence[Path | None]) -> None:
    """Raise UsageError if writing `target` would replace an input; not even --force may."""
    if target.exists() and any(path and path.exists() and path.samefile(target) for path in inputs):
        raise UsageError(f"{target} is an input and would be overwritten: name another place with -o")


def _draw(model: Model, text: str) -> Operand:
    match = _SEED.fullmatch(text)
    seed, draw = (int(match["seed"]), int(match["draw"] or 0)) if match else (0, MAX_DRAW)
    if draw >= MAX_DRAW:
        raise UsageError(f"{text}: say seed:N, or seed:N:DRAW for another than its first draw, with whole numbers")
    return Operand(model.draw(draw + 1, seed)[draw:], (text.replace(":", "-"),))


def _rows(model: Model, path: Path, row: int | None) -> Operand:
    content = read_latents(path)
    count, shape = len(content.latents), content.latents.shape[1:]
    wanted = model.latent_shape
    if wanted is None or not agrees(wanted, shape):
        origin = f", of {content.model}" if content.model else ""
        raise UsageError(f"{path} holds latents of shape {shape}{origin}; those of {model.id} have {wanted}")
    if row is None:
        return Operand(content.latents, content.names, path, model=content.model)
    if row >= count:
        raise UsageError(f"{path} has the rows 0 to {count - 1}, not {row}")
    return Operand(content.latents[row : row + 1], content.names[row : row + 1], path, model=content.model)


def _encoded(model: Model, path: Path) -> Operand:
    model.require("encode")
    pixels = read_picture(path).pixels.transpose(2, 0, 1)[None]
    fit, spec = model.interface.fit("encode").name, model.interface.takes("encode")
    latents = model.encode(pixels)
    seen = fit_encode(fit, pixels, lambda batch: batch, spec)
    return Operand(latents, (path.name,), path, seen, unlike=unlike(model, pixels, latents))


def like(picture: Floats | None, made: Floats) -> Floats:
    """`picture` with the channels of `made`, both (1, C, H, W); `made` itself where there is none of that size."""
    if picture is None or picture.shape[2:] != made.shape[2:]:
        return made
    if picture.shape[1] == made.shape[1]:
        return picture
    return np.asarray(rgb_of(picture), np.float32) if made.shape[1] == 3 else made


def _floats(path: Path, name: str, array: NDArray[Any] | None) -> Floats | None:
    """An array of a file as float32, if there is one, and if it holds finite numbers for one latent or more."""
    if array is None:
        return None
    if array.dtype.kind == "f" and array.ndim > 1 and array.size:
        with np.errstate(over="ignore"):
            narrow = array.astype(np.float32)
        if np.isfinite(narrow).all():
            return narrow
    raise UnsafeFileError(f"{path}: {name!r} must be finite floats (N, ...), not {array.dtype} {array.shape}")


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> NDArray[Any] | None:
    """One array of an archive; None if it is not there. Its size is known before anything is unpacked."""
    try:
        info = archive.getinfo(f"{name}.npy")
    except KeyError:
        return None
    if info.file_size > limit:
        raise ValueError(f"{name!r} takes {info.file_size} bytes, at most {limit} are read")
    array = np.load(BytesIO(archive.read(info)), allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError(f"{name!r} is no array")
    return array
