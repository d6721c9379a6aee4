"""What VAEs reach on Fashion-MNIST and on digits: ELBO and importance-weighted bound of test pictures, with protocol.

pip install 'latent-zoo[train]' && python benchmarks/vae_bounds.py
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from zoo import load
from zoo.catalog.registry import Registry
from zoo.datasets import open_source
from zoo.evaluation import bounds
from zoo.inference.model import Model
from zoo.metrics.figures import Summary, mean
from zoo.metrics.levels import Pictures, unit
from zoo.recipes.recipe import Recipe, read_recipe
from zoo.training.train import find_recipe, train

RECIPES = ("dense-vae-fashion-mnist", "conv-vae-fashion-mnist")
ELBO_DRAWS, BOUND_DRAWS = 10, 1000
OBSERVATION = bounds.Observation("bernoulli")
HEAD = "| data | model | parameters | passes over train | minutes | ELBO | bound | gain | KL |\n" + "|---" * 9 + "|"
PROTOCOL = f"""
Nats per picture, plus or minus the standard error over pictures. {OBSERVATION.text};
levels are not binarised, and figures of binarised pictures can't be compared with these. Latent under the standard
normal prior. ELBO: mean of {ELBO_DRAWS} posterior draws a picture, analytic KL; ELBO and KL over all pictures of the
split test. Bound: {BOUND_DRAWS:,} draws a picture (Burda et al. 2016, equation 8), PICTURES pictures evenly spaced in
that split; gain: how far it is above the ELBO of the same pictures and draws. Weights: the average at the epoch that is
best on the split val, which training does not see. Other numbers of passes than the recipe's stretch its warm-ups in
proportion. Mean training picture: answered to all pictures. The picture itself: what no model can exceed, since gray
levels have an entropy.
"""


def shortened(recipe: Recipe, epochs: int | None) -> Recipe:
    """The recipe with other epochs, warm-ups in proportion, and no fitted prior: bounds are under the normal one."""
    epochs = epochs or recipe.train.epochs
    share = epochs / recipe.train.epochs
    options = {**recipe.objective, "warmup_epochs": share * recipe.objective.get("warmup_epochs", 0)}
    subnetworks = recipe.optimizer.items()
    optimizer = {name: replace(table, warmup_epochs=share * table.warmup_epochs) for name, table in subnetworks}
    table = replace(recipe.train, epochs=epochs, eval_epochs=min(epochs, recipe.train.eval_epochs))
    return replace(recipe, objective=options, optimizer=optimizer, train=table, prior=None)


def trained(recipe: Recipe, file: Path, runs: Path, registry: Registry) -> Model:
    """The model of a recipe, trained unless `runs` has it already."""
    source = recipe.data.source.replace(":", "-").replace("/", "-")
    folder = runs / f"{recipe.model.id.partition('.')[0]} {source} {recipe.train.epochs}"
    if not (folder / "checkpoint").exists():

        def report(step: int, steps: int, _: object) -> None:
            if step % 100 == 0 or step == steps:
                print(f"\r{folder.name}: step {step:,} of {steps:,}", end="", file=sys.stderr, flush=True)

        train(recipe, file.name, folder, registry, resume=True, report=report)
        print(file=sys.stderr)
    return load(f"dir:{folder / 'checkpoint'}", registry=registry)


def figures(model: Model, test: Pictures, count: int) -> str:
    """ELBO of all test pictures; bound of `count` of them, and its gain on their ELBO; KL of all. Cells of a row."""
    pixels, chosen = test.array(range(len(test))), test.spread(count)
    codes, shape = bounds.encoded(model, test.batches())
    some = bounds.Codes(codes.mean[chosen], codes.std[chosen])
    over_all = bounds.likelihoods(model, pixels, codes, shape, [OBSERVATION], ELBO_DRAWS)
    tight = bounds.likelihoods(model, pixels[chosen], some, shape, [OBSERVATION], BOUND_DRAWS, counted)
    elbo, bound = mean(over_all.elbo["bernoulli"]), mean(tight.weighted["bernoulli"])
    gain = bound.value - float(tight.elbo["bernoulli"].mean())
    return f"{cell(elbo)} | {cell(bound)} | {gain:.2f} | {codes.divergence.sum(axis=1).mean():.2f}"


def counted(done: int, total: int) -> None:
    """Say how far the bound is, which takes longest."""
    if done % 50 == 0 or done == total:
        print(f"\rbound: picture {done:,} of {total:,}", end="\n" if done == total else "", file=sys.stderr, flush=True)


def cell(figure: Summary) -> str:
    """A figure with its standard error."""
    return f"{figure.value:.2f} ± {figure.stderr:.2f}"


def print_limits(data: str, known: Pictures, test: Pictures) -> None:
    """Two rows that need no model: the least and the most that can be expected."""
    average = (known.array(range(len(known))).mean(axis=0, dtype=np.float64) / 255).astype(np.float32).reshape(1, -1)
    flat = unit(test.array(range(len(test)))).reshape(len(test), -1)
    least = mean(np.array([OBSERVATION.log_likelihood(picture, average)[0] for picture in flat]))
    most = mean(np.array([OBSERVATION.log_likelihood(picture, picture[None])[0] for picture in flat]))
    print(f"| {data} | mean training picture | {average.size:,} | | | {cell(least)} | | | 0 |")
    print(f"| {data} | the picture itself | | | | {cell(most)} | | | |")


def main() -> None:
    """Train what is not yet trained, measure, and print the table and its protocol."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", help="where Fashion-MNIST comes from (the recipe's source)")
    parser.add_argument("--digits", default="pack:mnist", help="where digits come from (%(default)s)")
    parser.add_argument("--recipes", nargs="+", default=RECIPES, metavar="NAME", help=f"({' '.join(RECIPES)})")
    parser.add_argument("--epochs", type=int, help="passes over Fashion-MNIST (the recipe's)")
    parser.add_argument("--seen", type=int, default=120_000, help="digits to train on: two epochs' (%(default)s)")
    parser.add_argument("--pictures", type=int, default=1000, help="test pictures of the bound (%(default)s)")
    parser.add_argument("--runs", type=Path, default=Path("runs/bounds"), help="where runs are kept (%(default)s)")
    given = parser.parse_args()
    registry = Registry.discover()
    files = {name: find_recipe(name, registry) for name in given.recipes}
    fashion = given.data or read_recipe(next(iter(files.values()))).data.source
    print(HEAD)
    for data in (fashion, given.digits):
        known, test = (Pictures(open_source(data, split, 1), (28, 28)) for split in ("train", "test"))
        print_limits(data, known, test)
        passes = max(1, round(given.seen / len(known))) if data == given.digits else given.epochs
        for file in files.values():
            recipe = shortened(read_recipe(file, (f"data.source={data}",)), passes)
            model = trained(recipe, file, given.runs, registry)
            made, weights = model.config.training, model.config.weights
            assert made and weights
            cells = f"{recipe.model.family} | {weights.parameters:,} | {recipe.train.epochs} of {len(known):,}"
            print(
                f"| {data} | {cells} | {made.seconds / 60:.1f} | {figures(model, test, given.pictures)} |", flush=True
            )
    print(PROTOCOL.replace("PICTURES", f"{min(given.pictures, len(test)):,}"))


if __name__ == "__main__":
    main()
