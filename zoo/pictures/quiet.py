"""What Pillow and libtiff say on standard error behind everyone's back, kept from there."""

from __future__ import annotations

import importlib
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from PIL import Image

_process_globals = threading.RLock()
_STDERR = 2


@contextmanager
def quiet_pillow(max_pixels: int | None = None) -> Iterator[None]:
    """Pillow without its warnings and, if asked, with another pixel limit, which it raises as an error or warning.

    Both live in globals of the process, so one thread at a time, for short work only, and put back afterwards.
    """
    with _process_globals, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = max_pixels if max_pixels is not None else before
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


@contextmanager
def quiet_libtiff() -> Iterator[None]:
    """libtiff without what it prints about damaged files.

    Where its own switch can't be had (Pillow built with libtiff inside), standard error is closed for this time, also
    to other threads.
    """
    if _hushed():
        yield
        return
    with _process_globals:
        try:
            kept, nowhere = os.dup(_STDERR), os.open(os.devnull, os.O_WRONLY)
        except OSError:  # there is no standard error to be kept clean
            yield
            return
        os.dup2(nowhere, _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            os.close(nowhere)


@cache
def _hushed() -> bool:
    """Take away libtiff's error handler for the whole process, where that can be had."""
    try:
        import ctypes

        ctypes.CDLL(str(importlib.import_module("PIL._imaging").__file__)).TIFFSetErrorHandler(None)
    except Exception:  # no ctypes, no such symbol, no such file: each platform has its own error
        return False
    return True
