"""`python -m zoo_diffusers SOURCE -o FOLDER`: an autoencoder of diffusers as a checkpoint that runs without it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.catalog import load_object
from zoo.errors import NetworkError, NotFoundError, UnsafeFileError, ZooError
from zoo.training.importing import import_weights, table_for
from zoo_diffusers.plugin import zoo_families

if TYPE_CHECKING:
    from zoo.catalog import CheckpointConfig

CONFIG, WEIGHTS = "config.json", "diffusion_pytorch_model.safetensors"
FAMILIES = {"AutoencoderKL": "autoencoder-kl", "AutoencoderTiny": "autoencoder-tiny", "VQModel": "vq-model"}


def convert(
    source: str, folder: Path, tag: str | None = None, license_: str = "unknown", subfolder: str = ""
) -> CheckpointConfig:
    """Write the autoencoder of `source`, a folder or `hub:ORG/NAME`, as a checkpoint into `folder`.

    Raises NotFoundError, NetworkError, UnsafeFileError for what is no autoencoder of diffusers in safetensors, and as
    `import_weights`.
    """
    home = _downloaded(source, subfolder) if source.startswith("hub:") else Path(source) / subfolder
    facts = _read(home / CONFIG)
    kind = facts.get("_class_name")
    if kind not in FAMILIES:
        raise UnsafeFileError(f"{home / CONFIG} is of {kind!r}; what can be had are {', '.join(FAMILIES)}")
    family = next(family for family in zoo_families() if family.name == FAMILIES[kind])
    ignored = load_object(family.config).ignored
    settings = {name: value for name, value in facts.items() if not name.startswith("_") and name not in ignored}
    name = tag or "".join(c if c.isalnum() else "-" for c in home.resolve().name.lower()).strip("-")
    facts = {"id": f"{family.name}.{name}", "config": settings, "license": license_}
    table = table_for(family.name, home / WEIGHTS, summary=f"diffusers' {kind}, from {source}", **facts)
    return import_weights(home / WEIGHTS, family, table, folder)


def _read(path: Path) -> dict[str, Any]:
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no {path}: give the folder that diffusers saved, or --subfolder vae") from error
    except (OSError, ValueError) as error:
        raise UnsafeFileError(f"{path} can't be read: {error}") from error
    if not isinstance(facts, dict):
        raise UnsafeFileError(f"{path} is no configuration of diffusers")
    return facts


def _downloaded(source: str, subfolder: str) -> Path:
    """The folder of the two files, and no others, in the Hub's cache."""
    from huggingface_hub import hf_hub_download

    repository, _, revision = source.removeprefix("hub:").partition("@")
    try:
        found = [
            hf_hub_download(repository, name, subfolder=subfolder or None, revision=revision or None)
            for name in (CONFIG, WEIGHTS)
        ]
    except (OSError, ValueError) as error:  # every error of the Hub's client is one of these
        raise NetworkError(f"{source}: {str(error).splitlines()[0]}") from error
    return Path(found[0]).parent


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m zoo_diffusers", description=__doc__)
    parser.add_argument("source", help="a folder that diffusers saved, or hub:ORG/NAME")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the checkpoint's folder")
    parser.add_argument("--subfolder", default="", help="where in it the autoencoder is, such as vae")
    parser.add_argument("--tag", help="the model is then FAMILY.TAG; by default the folder's name")
    parser.add_argument("--license", default="unknown", help="the licence of the weights")
    words = parser.parse_args()
    try:
        made = convert(words.source, words.out, words.tag, words.license, words.subfolder)
        print(f"dir:{words.out}  {made.id}")
    except ZooError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
