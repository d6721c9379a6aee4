"""Store the weights of models in 8 bits where the pictures stay as they are: scripts/eight_bits.py MODEL... -o FOLDER

Each checkpoint is exported again from its weights, into FOLDER/ID, by the rule of training: 8 bits are tried on
held-out pictures of its recipe, where its data can be read. The card, pictures and whatever else lies beside it are
copied; figures are left out, since they are those of the old weights: `zoo eval` makes new ones.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import msgspec
from torch import Tensor

from zoo.catalog.families import configured
from zoo.catalog.registry import Registry
from zoo.catalog.spec import CheckpointConfig
from zoo.checkpoints.format import Checkpoint
from zoo.errors import ZooError
from zoo.inference.backends.mixture import MixturePrior
from zoo.inference.backends.torch import TorchBackend
from zoo.loading import find_checkpoint
from zoo.recipes.recipe import ModelTable, read_recipe
from zoo.training.data import held_out_batches
from zoo.training.export import PROBES, export
from zoo.training.train import evaluated_on, find_recipe

FACTS = ("id", "family", "task", "default_for", "summary", "license")


def convert(checkpoint: Checkpoint, folder: Path, registry: Registry) -> CheckpointConfig:
    """Write the checkpoint anew into `folder`; returns its config. Raises ZooError."""
    config = checkpoint.config
    family = registry.family(config.family)
    network = TorchBackend(checkpoint, family, "cpu").network
    prior = getattr(network, "prior", None)
    facts = msgspec.to_builtins(config)
    written = export(
        network,
        configured(family, config.config),
        msgspec.convert({name: facts[name] for name in FACTS}, ModelTable),
        family.name,
        config.training,
        folder,
        prior if isinstance(prior, MixturePrior) else None,
        _pictures(config, registry),
    )
    for file in checkpoint.folder.iterdir():
        if not (folder / file.name).exists():
            shutil.copy(file, folder / file.name)
    return written


def _pictures(config: CheckpointConfig, registry: Registry) -> Tensor | None:
    """What the model is given in use, by its recipe; None, and a note, where that can't be had."""
    try:
        if config.training is None:
            raise ZooError("no recipe is known")
        recipe = read_recipe(find_recipe(config.training.recipe, registry))
        return held_out_batches(evaluated_on(recipe, recipe.data.splits.best)).spread(PROBES)
    except ZooError as error:
        print(f"8 bits are tried on made pictures: {error}", file=sys.stderr)
        return None


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("models", nargs="+", help="models, or dir:PATH")
    parser.add_argument("-o", "--out", type=Path, required=True, help="where a folder for each is written")
    given = parser.parse_args()
    registry = Registry.discover()
    try:
        for name in given.models:
            checkpoint = find_checkpoint(name, registry)
            folder = given.out / checkpoint.config.id
            old, new = checkpoint.config.weights, convert(checkpoint, folder, registry).weights
            print(f"{folder}: {old.bytes / 1e6:.2f} MB of {old.dtype} became {new.bytes / 1e6:.2f} of {new.dtype}")
    except ZooError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
