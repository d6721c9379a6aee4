"""Pictures into files: whole or not at all, and never over a file that nobody said to replace."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from contextlib import contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from zoo.errors import DiskError, NotFoundError, UnsafeFileError, UsageError, ZooError
from zoo.pictures.deep_files import encode_deep
from zoo.pictures.formats import BY_NAME, BY_SUFFIX, WRITE_SUFFIXES, can_write, heif_ready
from zoo.pictures.picture import Picture
from zoo.pictures.profiles import fits_profile
from zoo.pictures.quiet import quiet_libtiff

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = ["WRITE_SUFFIXES", "refuse_existing", "writable_format", "write_picture", "write_whole"]

# The most one segment of a JPEG holds, and the most dots per inch.
_MAX_JPEG_EXIF = 65533
_MAX_JPEG_DENSITY = 65535


def write_picture(
    target: str | os.PathLike[str] | BinaryIO,
    picture: Picture,
    *,
    format: str | None = None,  # noqa: A002 - the word Pillow and everybody else uses
    force: bool = False,
    quality: int = 95,
) -> None:
    """Write a picture to a path, in the format of its suffix, or to a binary stream; `format` ("png") says another.

    A stream's format is the picture's own, or PNG, if none is said. A file appears complete or not at all. Colour
    profile, EXIF and density are kept where the format holds them; transparency too, else the picture is what it looks
    like on white. PNG and TIFF have 16 bits if the picture has. JPEG keeps colour at full resolution (4:4:4).

    Raises UsageError (unknown format, picture too large for it, file exists and no `force`), NotFoundError (no such
    folder), DiskError (full, read-only, not permitted).
    """
    if isinstance(target, str | os.PathLike):
        path = Path(target)
        kind = writable_format(f".{format}" if format else path)
        refuse_existing(path, force)
        write_whole(path, _encoded(picture, kind, quality, str(path)), force)
        return
    own = picture.format if picture.format in {row.name for row in BY_SUFFIX.values()} else "PNG"
    data = _encoded(picture, writable_format(f".{format}") if format else own, quality, "the stream")
    try:
        target.write(data.getbuffer())
        target.flush()
    except BrokenPipeError:  # whoever reads has enough: the command line knows what to do
        raise
    except OSError as error:
        raise DiskError(f"the picture can't be written to the stream: {error.strerror}") from error


def writable_format(path: str | os.PathLike[str]) -> str:
    """Pillow's name of the format of a file name's suffix. Raises UsageError if Pillow can't write it here."""
    suffix = Path(path).suffix.lower() or Path(path).name.lower()
    row = BY_SUFFIX.get(suffix)
    if row and row.name == "HEIF" and not heif_ready():
        raise UsageError("Pillow here cannot write HEIC: pip install pillow-heif")
    if row is None or not can_write(row):
        known = ", ".join(name for name in BY_SUFFIX if name in WRITE_SUFFIXES)
        raise UsageError(f"{path}: a picture can't be written by this name; it must end in one of {known}")
    return row.name


def refuse_existing(path: str | os.PathLike[str], force: bool = False) -> None:
    """Raise unless a file can be made at `path`, or replaced if `force`. Ask it before a long computation.

    `write_picture` asks it too, and makes sure once more when the file gets its name.
    """
    path = Path(path)
    with _disk_errors(path):
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name a file in it")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is not an ordinary file")
        if os.path.lexists(path) and not force:
            raise _exists(path)
        written = _behind_links(path)
        if not written.parent.is_dir():
            raise NotFoundError(f"{path} can't be written: there is no folder {written.parent}")


def _behind_links(path: Path) -> Path:
    """The file that is written at `path`: where that is a link, it stays one, and what it points to is written."""
    if not path.is_symlink():
        return path
    written = Path(os.path.realpath(path))
    if written.is_symlink():
        raise UsageError(f"{path} can't be written: it is a link that leads to itself")
    return written


def _encoded(picture: Picture, kind: str, quality: int, name: str) -> BytesIO:
    """The file's bytes, in memory: so that an error of the encoder is never taken for one of the disk."""
    height, width = picture.pixels.shape[:2]
    limit = BY_NAME[kind].max_side
    if limit and max(height, width) > limit:
        raise UsageError(f"{name}: {kind} holds at most {limit} pixels a side, not {width} x {height}: use PNG")
    options, data = _options(picture, kind, quality), BytesIO()
    try:
        if picture.deep is not None and BY_NAME[kind].deep:
            return encode_deep(picture, kind, options.get("icc_profile"), options.get("exif"))
        with quiet_libtiff() if kind == "TIFF" else nullcontext():
            _image(picture, kind).save(data, kind, **options)
    except Exception as error:  # encoders raise OSError, ValueError, TypeError, struct.error, ...
        raise UnsafeFileError(f"{name}: the picture can't be written as {kind}, {error}: use PNG") from error
    return data


def _image(picture: Picture, kind: str) -> Image.Image:
    pixels, alpha = picture.pixels, picture.alpha
    if alpha is not None and BY_NAME[kind].alpha:
        return Image.fromarray(np.dstack((_off_white(pixels, alpha), alpha)))
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _off_white(pixels: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The colour c that makes the pixels p = alpha c + (1 - alpha) 255 on white. White where nothing is to be seen."""
    opacity = np.maximum(alpha, 1)[:, :, None].astype(np.uint16)
    darkness = (255 - pixels).astype(np.uint16)
    darkness *= 255
    darkness += opacity // 2
    darkness //= opacity
    darkness[alpha == 0] = 0
    return 255 - np.minimum(darkness, 255).astype(np.uint8)


def _options(picture: Picture, kind: str, quality: int) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if BY_NAME[kind].profile:
        if picture.icc and fits_profile(picture.icc, picture.pixels.shape[2]):
            options["icc_profile"] = picture.icc
        if picture.exif and (kind != "JPEG" or len(picture.exif) <= _MAX_JPEG_EXIF):
            options["exif"] = picture.exif
    if picture.dpi and BY_NAME[kind].density and (kind != "JPEG" or max(picture.dpi) <= _MAX_JPEG_DENSITY):
        options["dpi"] = picture.dpi
    if kind in ("JPEG", "WEBP", "AVIF", "HEIF"):
        options["quality"] = quality
    if kind == "PNG":
        options["compress_level"] = 4  # in less than half the time of 6, for 3 % more bytes
    if kind in ("JPEG", "AVIF"):
        options["subsampling"] = "4:4:4"
    if kind == "HEIF":
        options["chroma"] = 444
    if kind == "TIFF":
        # Pillow can't write EXIF's inner directories into a compressed TIFF.
        options["compression"] = "raw" if "exif" in options else "tiff_adobe_deflate"
    return options


_SWEPT: set[Path] = set()


def write_whole(path: Path, data: BytesIO, force: bool) -> None:
    """Write a file's bytes under another name beside `path`, then give them its name in one step: whole or not at all.

    With `force` a link stays, and the file that it points to is replaced so. Raises UsageError for a file that exists
    unless `force`, DiskError where the disk refuses.
    """
    with _disk_errors(path):
        path = _behind_links(path) if force else path
        temporary = path.with_name(f".zoo-{secrets.token_hex(8)}.tmp")
        _remove_leftovers(path.parent)
        try:
            # The mode is what open() uses: the umask decides.
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            with os.fdopen(handle, "wb") as stream:
                _lock(handle)
                stream.write(data.getbuffer())
                stream.flush()
                os.fsync(handle)
            if force:
                temporary.replace(path)
            else:
                _name_if_free(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


def _lock(handle: int) -> bool:
    """Mark a file as being written, until it is closed or its process ends; returns whether it was free."""
    try:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except ImportError:  # Windows, where a file that is open can't be deleted anyway
        return True
    except OSError:
        return False
    return True


def _remove_leftovers(folder: Path) -> None:
    """Delete what killed runs left half-written in a folder, once for each process."""
    if folder in _SWEPT:
        return
    _SWEPT.add(folder)
    for path in folder.glob(".zoo-*.tmp"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if os.fstat(file.fileno()).st_size and _lock(file.fileno()):  # an empty one may be about to be locked
                path.unlink()


def _name_if_free(temporary: Path, path: Path) -> None:
    """Give the file its name unless another has it by now: by a hard link, which never replaces."""
    try:
        path.hardlink_to(temporary)
        return
    except FileExistsError as error:
        raise _exists(path) from error
    except (OSError, NotImplementedError):  # this file system has no hard links: reserve the name, then replace
        pass
    try:
        path.touch(exist_ok=False)
    except FileExistsError as error:
        raise _exists(path) from error
    try:
        temporary.replace(path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists: use --force, or -o to write somewhere else")


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except ZooError:
        raise
    except OSError as error:
        reasons: dict[int | None, str] = {errno.ENOSPC: "the disk is full", errno.EROFS: "the disk is read-only"}
        reason = reasons.get(error.errno) or error.strerror or str(error)
        raise DiskError(f"{path} can't be written: {reason}") from error
    except ValueError as error:
        raise UsageError(f"{str(path)!r} is no path: {error}") from error
