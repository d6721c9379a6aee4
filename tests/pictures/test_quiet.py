"""Nothing that a library has to say about a damaged picture reaches standard error."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
from io import BytesIO

import numpy as np
import pytest
from pictures import file_of, scene, tiff
from PIL import Image, ImageCms, TiffImagePlugin

from zoo.pictures import quiet
from zoo.pictures.images import read_picture

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
READ_ALL = """
import sys
{before}
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zoo.errors import UnsafeFileError
from zoo.pictures.images import read_picture

def read(path):
    try:
        read_picture(path)
        return 1
    except UnsafeFileError:
        return 0

with ThreadPoolExecutor(4) as pool:
    print(sum(pool.map(read, sorted(Path(sys.argv[1]).iterdir()))))
sys.stderr.write("the end")
"""


@pytest.fixture
def damaged(tmp_path):
    """Pictures over which Python's warnings and libtiff's messages come, and others damaged at random."""
    rng = random.Random(0)
    whole = [
        file_of(scene(), "TIFF", compression=compression, icc_profile=SRGB)
        for compression in ("raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")
    ]
    whole += [file_of(scene().convert("1"), "TIFF", compression="group4"), tiff((np.asarray(scene()), {}))]
    whole += [file_of(scene(), kind) for kind in ("JPEG", "PNG", "GIF", "WEBP", "BMP")]
    folder = tmp_path / "damaged"
    folder.mkdir()
    for number in range(240):
        data = bytearray(whole[number % len(whole)])
        for _ in range(rng.choice((1, 2, 8))):
            at = rng.randrange(len(data))
            data[at : at + 2] = rng.choice((b"", b"\xff\xff", b"\0\0", bytes([data[at] ^ 8])))
        (folder / f"{number}.bin").write_bytes(data)
    (folder / "warned.tif").write_bytes(with_too_long_a_tag())
    (folder / "printed.tif").write_bytes(with_broken_lzw())
    return folder


def with_too_long_a_tag():
    data = file_of(scene(), "TIFF", dpi=(300, 300))
    at = data.index(b"\x1a\x01\5\0\1\0\0\0") + 8
    return data[:at] + b"\xf0\xff\xff\x0f" + data[at + 4 :]


def with_broken_lzw():
    data = bytearray(file_of(scene(), "TIFF", compression="tiff_lzw"))
    at = Image.open(BytesIO(data)).tag_v2[273][0]
    data[at + 40 : at + 60] = b"\xff" * 20
    return bytes(data)


def errors_of(before, folder):
    """What a process that reads all pictures writes to standard error, and how many it could read."""
    code = READ_ALL.format(before=before)
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", code, folder],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.stderr, int(done.stdout)


def test_by_libtiffs_own_switch(damaged):
    errors, read = errors_of("", damaged)
    assert errors == "the end"
    assert 20 < read < 240


def test_where_libtiff_has_no_switch(damaged):
    """Without ctypes libtiff can't be told; standard error works again when all is read."""
    errors, read = errors_of("sys.modules['ctypes'] = None", damaged)
    assert errors == "the end"
    assert 20 < read < 240


def test_without_a_standard_error(monkeypatch):
    def closed(_):
        raise OSError(errno.EBADF, "Bad file descriptor")

    with monkeypatch.context() as patch:
        patch.setattr(quiet, "_hushed", lambda: False)
        patch.setattr(os, "dup", closed)
        np.testing.assert_array_equal(read_picture(tiff((np.asarray(scene()), {}))).pixels, np.asarray(scene()))


def test_a_tiff_never_lowers_the_limit_for_others(monkeypatch):
    limits = []
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 5000)
    load = TiffImagePlugin.TiffImageFile.load
    monkeypatch.setattr(
        TiffImagePlugin.TiffImageFile, "load", lambda image: (limits.append(Image.MAX_IMAGE_PIXELS), load(image))[1]
    )
    for side in (8, 100):
        read_picture(tiff((np.zeros((side, side), np.uint8), {})))
    assert set(limits) == {5000, 10_000}
    assert Image.MAX_IMAGE_PIXELS == 5000


def test_the_pictures_do_make_libraries_speak(damaged):
    loop = "for path in sys.argv[1:]:\n try: Image.open(path).load()\n except OSError: pass"
    code = f"import sys; from PIL import Image\n{loop}"
    files = [damaged / "warned.tif", damaged / "printed.tif"]
    done = subprocess.run([sys.executable, "-c", code, *files], check=False, capture_output=True, text=True)
    assert "UserWarning" in done.stderr
    assert "tempfile.tif: Using code not yet in table" in done.stderr
