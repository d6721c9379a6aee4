"""The page as static files: models that run in the visitor's browser, on any host, with no server of ours."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import IntegrityError, UsageError
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
    files = _contents(shelf, names, runtime)
    with disk_errors(out), whole_folder(out) as folder:
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    return sum(map(len, files.values()))


def _contents(shelf: Shelf, names: Sequence[str], runtime: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file of the site by its path."""
    entries = list({entry.id: entry for entry in map(shelf.find, names)}.values())
    files = {f"page/{path}": file.read_bytes() for path, file in page_files().items()}
    files["index.html"] = files["page/index.html"].replace(b'<meta charset="utf-8">', _HEAD.encode())
    files |= {f"runtime/{name}": data for name, data in runtime.items()}
    files["runtime/LICENSE.txt"] = LICENSE.encode()
    for entry in entries:
        model = shelf.open(entry.id)
        files |= {f"models/{model.id}/{path}": data for path, data in _of_model(shelf, entry, model).items()}
    tasks = {task: name for task, name in shelf.tasks().items() if any(entry.id == name for entry in entries)}
    rows = [describe.row(entry, shelf) for entry in entries]
    first = entries[0].id if len(entries) == 1 else ""
    files["models.json"] = _json({"models": rows, "first": first, "tasks": tasks})
    files["offline.js"] = files.pop("page/offline.js")  # a service worker serves what lies beside and below it
    files["files.json"] = _json({path: hashlib.sha256(data).hexdigest() for path, data in sorted(files.items())})
    return files | {"README.md": _readme(entries), ".nojekyll": b""}


def _of_model(shelf: Shelf, entry: Entry, model: Model) -> dict[str, bytes]:
    """The files of one model: those of its checkpoint as they are, and what the page asks about it."""
    checkpoint: Checkpoint = model.backend.checkpoint  # type: ignore[attr-defined]  # a shelf's models run on ONNX
    config = (checkpoint.folder / "config.json").read_bytes()
    if hashlib.sha256(config).hexdigest() != checkpoint.config_sha256:
        raise IntegrityError(f"{checkpoint.origin}: config.json has changed since it was read: try again")
    picture, sample = describe.picture_of(entry), answers.sample_of(model)
    name = "sample.jpg" if sample.media_type == "image/jpeg" else "sample.png"
    about = describe.full(entry, shelf)
    about |= {"name": model.id, "config": checkpoint.config_sha256, "sample": name}  # a path of ours is nobody's matter
    files = {"config.json": config, "model.safetensors": checkpoint.weights, **checkpoint.graphs}
    files |= {name: sample.body, "about.json": _json(about)}
    if picture:
        files["picture.jpg"] = picture.read_bytes()
    if "generate" in model.capabilities and None not in (model.latent_shape or ()):
        files["space.json"] = answers.of_space(shelf.space(model.id)).body
        files["points.json"] = answers.of_points(shelf.points(model.id)).body
    return files


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _readme(entries: Sequence[Entry]) -> bytes:
    from zoo import __version__

    licenses = {entry.config.license.lower() for entry in entries}
    title = entries[0].id if len(entries) == 1 else "A small zoo of image models"
    models = "\n".join(f"- `{entry.id}`: {entry.config.summary} ({entry.config.license})" for entry in entries)
    license_ = licenses.pop() if len(licenses) == 1 else "other"
    return _README.format(title=title, license=license_, models=models, version=__version__).encode()
