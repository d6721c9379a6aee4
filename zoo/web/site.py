"""The page as static files: models that run in the visitor's browser, on any host, with no server of ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import DiskError, IntegrityError, UsageError
from zoo.files import disk_errors, whole_folder
from zoo.web import answers, describe
from zoo.web.app import page_files
from zoo.web.runtime import LICENSE

if TYPE_CHECKING:
    from zoo.checkpoints.format import Checkpoint
    from zoo.inference.model import Model
    from zoo.web.shelf import Entry, Shelf

CSP = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"
)
_HEAD = f"""<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{CSP}">
<meta name="zoo-engine" content="browser">"""
_README = """---
title: {title}
emoji: 🦓
colorFrom: red
colorTo: yellow
sdk: static
app_file: index.html
license: {license}
short_description: Small image models that run in your browser
custom_headers:
  cross-origin-embedder-policy: require-corp
  cross-origin-opener-policy: same-origin
  cross-origin-resource-policy: cross-origin
---

# {title}

Small image models that run in your browser: nothing that you show them leaves your device.

{models}

Made by `zoo web` of latent-zoo {version}. The folder is the whole site: it works at any address over https, and from
localhost; `python -m http.server` serves it without a network.
"""


def build_site(shelf: Shelf, names: Sequence[str], out: Path, runtime: Mapping[str, bytes], force: bool = False) -> int:
    """Write a site of the named models to the folder `out`, whole or not at all; returns its size in bytes.

    Raises UsageError for a folder that exists, unless it is such a site and `force`, and what opening a model raises.
    """
    if out.exists() and not (force and (out / "models.json").is_file() and (out / "page").is_dir()):
        advice = "it is no site of zoo web, so --force does not replace it" if force else "--force replaces it"
        raise UsageError(f"{out} exists: {advice}")
    models = {shelf.find(name).id: shelf.open(name) for name in names}
    with disk_errors(out), whole_folder(out) as folder:
        for path, file in page_files().items():
            _write(folder / "page" / path, file.read_bytes())
        index = (folder / "page" / "index.html").read_text(encoding="utf-8")
        _write(folder / "index.html", index.replace('<meta charset="utf-8">', _HEAD).encode())
        for name, data in runtime.items():
            _write(folder / "runtime" / name, data)
        _write(folder / "runtime" / "LICENSE.txt", LICENSE.encode())
        for model in models.values():
            _write_model(folder / "models" / model.id, shelf, model)
        entries = [shelf.find(name) for name in models]
        tasks = {task: name for task, name in shelf.tasks().items() if name in models}
        rows = [describe.row(entry, shelf) for entry in entries]
        first = entries[0].id if len(entries) == 1 else ""
        _write(folder / "models.json", _json({"models": rows, "first": first, "tasks": tasks}))
        _write(folder / "README.md", _readme(entries))
        _write(folder / ".nojekyll", b"")
        return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _write_model(folder: Path, shelf: Shelf, model: Model) -> None:
    entry = shelf.find(model.id)
    checkpoint: Checkpoint = model.backend.checkpoint  # type: ignore[attr-defined]  # a shelf's models run on ONNX
    config = (checkpoint.folder / "config.json").read_bytes()
    if hashlib.sha256(config).hexdigest() != checkpoint.config_sha256:
        raise IntegrityError(f"{checkpoint.origin}: config.json has changed since it was read: try again")
    _write(folder / "config.json", config)
    _write(folder / "model.safetensors", checkpoint.weights)
    for name, data in checkpoint.graphs.items():
        _write(folder / name, data)
    picture = describe.picture_of(entry)
    if picture:
        _write(folder / "picture.jpg", picture.read_bytes())
    sample = answers.sample_of(model)
    name = "sample.jpg" if sample.media_type == "image/jpeg" else "sample.png"
    _write(folder / name, sample.body)
    about = describe.full(entry, shelf)
    about |= {"name": model.id, "config": checkpoint.config_sha256, "sample": name}  # a path of ours is nobody's matter
    _write(folder / "about.json", _json(about))
    if "generate" in model.capabilities and None not in (model.latent_shape or ()):
        _write(folder / "space.json", answers.of_space(shelf.space(model.id)).body)
        _write(folder / "points.json", answers.of_points(shelf.points(model.id)).body)


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        path.write_bytes(data)
    except OSError as error:
        raise DiskError(f"{path} can't be written: {error.strerror or error}") from error


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _readme(entries: Sequence[Entry]) -> bytes:
    from zoo import __version__

    licenses = {entry.config.license.lower() for entry in entries}
    title = entries[0].id if len(entries) == 1 else "A small zoo of image models"
    models = "\n".join(f"- `{entry.id}`: {entry.config.summary} ({entry.config.license})" for entry in entries)
    license_ = licenses.pop() if len(licenses) == 1 else "other"
    return _README.format(title=title, license=license_, models=models, version=__version__).encode()
