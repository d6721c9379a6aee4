"""`python -m zoo_timm NAME -o FOLDER`: a backbone of timm as a checkpoint that runs without timm."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import timm

from zoo.errors import NetworkError, UsageError, ZooError
from zoo.recipes.recipe import ModelTable
from zoo.training.export import export
from zoo_timm.config import IMAGENET_MEAN, IMAGENET_STD, BackboneConfig
from zoo_timm.network import Backbone, create, pooled

if TYPE_CHECKING:
    from zoo.catalog import CheckpointConfig

# timm's names of licences -> ours; another one has to be looked up.
LICENSES = {"apache-2.0": "Apache-2.0", "mit": "MIT", "cc-by-nc-4.0": "CC-BY-NC-4.0"}


def convert(name: str, folder: Path, *, random: bool = False) -> CheckpointConfig:
    """Write the backbone of timm's name, such as resnet18.a1_in1k, as a checkpoint; `random` needs no network.

    Raises UsageError for an unknown name or a folder that exists, NetworkError where the weights can't be had.
    """
    if folder.exists():
        raise UsageError(f"{folder} exists already: name another with -o")
    backbone, _, weights = name.partition(".")
    if not timm.is_model(backbone):
        raise UsageError(f"timm has no {backbone!r}; `timm.list_models()` has all")
    try:
        body = create(name, pretrained=not random)
    except Exception as error:  # timm passes on whatever the network, the disk or the Hub's client raises
        raise NetworkError(f"no weights of {name}: {error}; --random makes a checkpoint without") from error
    facts = body.pretrained_cfg
    config = BackboneConfig(
        backbone=backbone,
        features=pooled(body),
        size=facts.get("input_size", (3, 224, 224))[-1],
        mean=tuple(facts.get("mean", IMAGENET_MEAN)),
        std=tuple(facts.get("std", IMAGENET_STD)),
    )
    network = Backbone(config)
    network.body.load_state_dict(body.state_dict())
    tag = "random" if random else weights or "default"
    table = ModelTable(
        id=f"timm.{'-'.join([*backbone.split('_'), *tag.split('_')])}",
        family="timm",
        summary=f"Features of timm's {backbone}, weights {tag}",
        license=LICENSES.get(facts.get("license"), "unknown"),
    )
    return export(network, config, table, "timm", None, folder)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m zoo_timm", description=__doc__)
    parser.add_argument("name", help="timm's name of model and weights, such as resnet18.a1_in1k")
    parser.add_argument("-o", "--out", type=Path, required=True, help="the checkpoint's folder")
    parser.add_argument("--random", action="store_true", help="random weights: nothing is downloaded")
    words = parser.parse_args()
    try:
        print(f"dir:{words.out}  {convert(words.name, words.out, random=words.random).id}")
    except ZooError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
