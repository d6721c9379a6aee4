"""ONNX Runtime for browsers: three files of a pinned version, of the npm registry or of a path, verified either way."""

from __future__ import annotations

import base64
import hashlib
import tarfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from zoo.errors import DiskError, IntegrityError, NetworkError, NotFoundError, UnsafeFileError

VERSION = "1.30.0"
PACKAGE = "onnxruntime-web"
URL = f"https://registry.npmjs.org/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
# What the registry says of the archive, and the SHA-256 of each file that is taken of it.
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES: Mapping[str, str] = {
    "ort.wasm.min.mjs": "219e6a1fc8a9938268d18efca3c91d310bd2f4a59bbd13744df5b2b7fc6cee3b",
    "ort-wasm-simd-threaded.mjs": "e13f7f94fc51b4ca72b12faeb1ee95f4ace6dfbc8939bc718aabdc0a27c4299b",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
LICENSE = """\
ONNX Runtime (https://github.com/microsoft/onnxruntime), MIT License

Copyright (c) Microsoft Corporation

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and
associated documentation files (the "Software"), to deal in the Software without restriction,
including without limitation the rights to use, copy, modify, merge, publish, distribute,
sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial
portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT
NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES
OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN
CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""
_MOST_BYTES = 64 * 2**20
_SECONDS = 60


def runtime_files(path: Path | None = None) -> dict[str, bytes]:
    """The runtime's files by name: of a folder, a package's folder or its archive, else downloaded.

    Raises NotFoundError for a path that lacks them, NetworkError where the registry can't be reached, and
    IntegrityError for other files than those of the pinned version.
    """
    if path is None:
        found = _of_archive(_downloaded())
    elif path.is_dir():
        found = _of_folder(path)
    else:
        try:
            found = _of_archive(path.read_bytes())
        except FileNotFoundError as error:
            raise NotFoundError(f"{path}: no such file; give the folder or the archive of {PACKAGE}") from error
        except OSError as error:
            raise DiskError(f"{path} can't be read: {error.strerror}") from error
    for name, promised in FILES.items():
        if name not in found:
            raise NotFoundError(f"{path or URL} has no {name}: give the folder or the archive of {PACKAGE} {VERSION}")
        if hashlib.sha256(found[name]).hexdigest() != promised:
            raise IntegrityError(f"{name} is not that of {PACKAGE} {VERSION}: leave --runtime out to download it")
    return found


def _of_folder(folder: Path) -> dict[str, bytes]:
    home = folder / "dist" if (folder / "dist").is_dir() else folder
    return {name: (home / name).read_bytes() for name in FILES if (home / name).is_file()}


def _of_archive(data: bytes) -> dict[str, bytes]:
    wanted = {f"package/dist/{name}": name for name in FILES}
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r:gz") as archive:
            for member in archive:
                if member.name in wanted and member.isfile() and member.size <= _MOST_BYTES:
                    content = archive.extractfile(member)
                    found[wanted[member.name]] = content.read() if content else b""
    except (tarfile.TarError, EOFError, OSError) as error:
        raise UnsafeFileError(f"this is no archive of {PACKAGE}: {error}") from error
    return found


def _downloaded() -> bytes:
    try:
        with urlopen(URL, timeout=_SECONDS) as answer:
            data: bytes = answer.read(_MOST_BYTES + 1)
    except (URLError, OSError) as error:
        raise NetworkError(f"can't download {URL}: {error}; --runtime PATH takes it from this machine") from error
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != INTEGRITY:
        raise IntegrityError(f"{URL} gave another file than it promises: try again")
    return data
