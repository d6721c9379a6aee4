"""A perceptron VAE trained by zoo's loop and by pythae's: images a second, and the held-out ELBO of what comes out.

pip install 'latent-zoo[train]' pythae==0.1.2 && python benchmarks/vae_pythae.py
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median

import msgspec
import numpy as np
import pythae_vae
import torch
from numpy.typing import NDArray

from zoo.catalog.registry import Registry
from zoo.datasets import open_source
from zoo.evaluation import bounds
from zoo.metrics.levels import Pictures, unit
from zoo.recipes.recipe import Recipe
from zoo.training.loop import Training
from zoo.training.run import Run
from zoo.training.train import build_objective
from zoo_dense_vae.config import DenseVAEConfig
from zoo_dense_vae.network import DenseVAE

# 784-400-ReLU-(16 means, 16 log-variances), 16-400-ReLU-784-sigmoid.
CONFIG = DenseVAEConfig(hidden=(400,), latent=16)
BATCH, LEARNING_RATE, DRAWS = 128, 1e-3, 10
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    """A network after its last epoch; seconds of the whole call, images a second after the first epoch."""

    network: DenseVAE
    seconds: float
    rate: float

    @torch.inference_mode()
    def posterior(self, images: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of q(z|x), as `bounds` asks for."""
        mean, log_variance = self.network.encode(torch.from_numpy(images))
        return mean.numpy(), (log_variance / 2).exp().numpy()

    @torch.inference_mode()
    def decode(self, latents: Array) -> Array:
        """Probabilities of pixels."""
        return np.asarray(self.network.decode(torch.from_numpy(latents)))

    def elbo(self, test: NDArray[np.uint8]) -> float:
        """Mean over pictures and draws, in nats; every network gets the same draws."""
        codes, shape = bounds.encoded(self, [test])
        found = bounds.likelihoods(self, test, codes, shape, [bounds.Observation("bernoulli")], DRAWS)
        return float(found.elbo["bernoulli"].mean())


def ours(given: argparse.Namespace, seed: int, folder: Path) -> Trained:
    """The family `dense-vae` by the loop behind `zoo train`; the state is evaluated once, at the end."""
    tables = {
        "model": {"id": "dense-vae.benchmark", "family": "dense-vae", "config": msgspec.structs.asdict(CONFIG)},
        "data": {"source": given.data, "size": 28, "channels": 1},
        "objective": {"reconstruction": "bce"},
        "optimizer": {"model": {"name": "adam", "lr": LEARNING_RATE, "schedule": "constant"}},
        "train": {"epochs": given.epochs, "batch": BATCH, "seed": seed, "eval_epochs": given.epochs}
        | {"ema": given.ema, "precision": given.precision},
    }
    recipe, ends = msgspec.convert(tables, Recipe), list[float]()
    objective = build_objective(recipe, Registry.discover())
    began = time.perf_counter()
    training = Training(recipe, objective, Run(folder))
    steps = training.steps_per_epoch

    def note_end(step: int, _: int, row: Mapping[str, object]) -> None:
        if step % steps == 0 and "evaluated" not in row:
            ends.append(time.perf_counter())

    _, weights = training.fit(note_end)
    seconds, network = time.perf_counter() - began, DenseVAE(CONFIG).eval()
    network.load_state_dict(weights)
    return Trained(network, seconds, rate(steps * training.order.batch, ends))


def theirs(given: argparse.Namespace, seed: int, folder: Path) -> Trained:
    """The same layers, from the same distribution of first weights, by pythae's pipeline."""
    pictures = unit(read(given.data, "train"))
    torch.manual_seed(seed)
    began, network = time.perf_counter(), DenseVAE(CONFIG)
    ends = pythae_vae.train(network, pictures, folder, CONFIG.latent, BATCH, given.epochs, LEARNING_RATE, seed)
    return Trained(network.eval(), time.perf_counter() - began, rate(len(pictures), ends))


def read(data: str, split: str) -> NDArray[np.uint8]:
    """All pictures of a split, (N, 1, 28, 28)."""
    pictures = Pictures(open_source(data, split, channels=1), (CONFIG.size, CONFIG.size))
    return pictures.array(range(len(pictures)))


def rate(images: int, ends: list[float]) -> float:
    """Images a second, from when each epoch of so many images ended."""
    return images * (len(ends) - 1) / (ends[-1] - ends[0])


def main() -> None:
    """Train both in turn, a seed for each round, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="pack:mnist", help="gray pictures of 28x28 (%(default)s)")
    parser.add_argument("--epochs", type=int, default=20, help="at least 2: the first warms up (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="trainings of each side (%(default)s)")
    parser.add_argument("--ema", type=float, default=0.0, help="decay of zoo's weight average (%(default)s: none)")
    parser.add_argument("--precision", default="float32", choices=("float32", "bf16"), help="zoo's (%(default)s)")
    given = parser.parse_args()
    if given.epochs < 2 or given.rounds < 1:
        parser.error("it takes at least 2 epochs and 1 round")
    pairs: list[list[Trained]] = []
    for seed in range(given.rounds):
        turn = 1 if seed % 2 == 0 else -1  # who goes first
        with tempfile.TemporaryDirectory() as folder:
            made = [side(given, seed, Path(folder) / side.__name__) for side in (ours, theirs)[::turn]][::turn]
        print(f"round {seed + 1}: {made[0].rate:,.0f} / {made[1].rate:,.0f} images a second", file=sys.stderr)
        pairs.append(made)
    sides, test = list(zip(*pairs, strict=True)), read(given.data, "test")
    zoo = f"zoo, {given.precision}, average {given.ema:g}" if given.ema else f"zoo, {given.precision}"
    print(f"| {given.data}, {given.epochs} epochs, {given.rounds} rounds | {zoo} | pythae | ratio |\n|---|---|---|---|")
    for name, figure, digits in (("images a second, median", "rate", 0), ("whole call, s, median", "seconds", 1)):
        a, b = ([getattr(one, figure) for one in side] for side in sides)
        ratio = median(x / y for x, y in zip(a, b, strict=True))
        print(f"| {name} | {median(a):,.{digits}f} | {median(b):,.{digits}f} | {ratio:.2f} |")
    found = [[one.elbo(test) for one in side] for side in sides]
    cells = " | ".join(f"{fmean(side):.2f} ({min(side):.2f} to {max(side):.2f})" for side in found)
    print(f"| ELBO, nats, {len(test):,} test pictures, mean | {cells} | {fmean(found[0]) - fmean(found[1]):+.2f} |")


if __name__ == "__main__":
    main()
