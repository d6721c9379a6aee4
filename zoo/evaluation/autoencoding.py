"""Reconstruction: a model's own pictures after encode and decode, beside principal components and a mean picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from zoo.arrays import Floats, Pixels
from zoo.catalog.spec import Metric
from zoo.metrics.figures import mean, psnrs, ssims
from zoo.metrics.levels import in_calls, levels, unit
from zoo.metrics.setting import Setting

# Components of the named baselines, for latents that have at least as many dimensions.
NAMED = (64, 128, 256)
# The side of the window of SSIM, and the least a picture has to have.
WINDOW = 11
# Up to so many values a picture, the covariance of all of them is decomposed, exactly.
EXACT = 4096


class Autoencoder(Protocol):
    """The part of a model that is measured here."""

    def encode(self, images: Floats) -> Floats:
        """Latents (N, *shape)."""

    def decode(self, latents: Floats) -> Floats:
        """Pictures (N, C, H, W) in [0, 1]."""


class Components:
    """Principal components of training pictures (scikit-learn's PCA), as many as may be asked for."""

    def __init__(self, train: Pixels, most: int) -> None:
        from sklearn.decomposition import PCA

        flat = unit(train).reshape(len(train), -1)
        self.most = min(most, *flat.shape)
        solver = "covariance_eigh" if flat.shape[1] <= EXACT else "randomized"
        self.pca = PCA(self.most, svd_solver=solver, random_state=0).fit(flat)

    def project(self, pictures: Pixels, components: int) -> Pixels:
        """Pictures (N, C, H, W) as the first `components` describe them."""
        basis, average = self.pca.components_[:components], self.pca.mean_
        flat = unit(pictures).reshape(len(pictures), -1) - average
        return levels((average + flat @ basis.T @ basis).reshape(pictures.shape))


def reconstructed(model: Autoencoder, pictures: Pixels) -> Pixels:
    """Pictures (N, C, H, W) after encode and decode."""
    size = pictures[0].size
    return np.concatenate(list(in_calls(lambda part: levels(model.decode(model.encode(unit(part)))), pictures, size)))


def compared(dimensions: int, active: int | None, rank: int) -> list[int]:
    """Numbers of principal components to compare with a latent of so many dimensions, so many of them active.

    Both numbers, and 64, 128 and 256 beside a latent that has at least as many; below the `rank`, at which nothing is
    lost.
    """
    wanted = {dimensions, active or 0, *(number for number in NAMED if number <= dimensions)}
    return sorted(number for number in wanted if 0 < number < rank)


def measure(
    made: Pixels, test: Pixels, train: Pixels, dimensions: int, active: int | None, setting: Setting
) -> list[Metric]:
    """PSNR and SSIM of reconstructions `made` of `test`, beside the mean of `train` and its principal components."""
    height, width = test.shape[2:]
    rank = min(len(train), test[0].size)
    numbers = compared(dimensions, active, rank)
    average = levels(unit(train).mean(axis=0))
    protocol = (
        f"Decode of the posterior mean, at {width} x {height}, 8-bit levels; mean over pictures; SSIM with a Gaussian "
        f"window of {WINDOW} pixels; the baseline is the mean training picture; pca_K: the first K principal "
        f"components of {len(train)} training pictures; the latent has {dimensions} dimensions"
    )
    if dimensions >= rank:
        protocol += f", no fewer than PCA can have ({rank})"
    if active is not None:
        protocol += f", {active} of them active"
    nothing = float(psnrs(average, test).mean())
    metrics = [setting.metric("psnr", mean(psnrs(made, test)), protocol, len(test), nothing)]
    if min(height, width) >= WINDOW:
        base = float(ssims(average, test).mean())
        metrics.append(setting.metric("ssim", mean(ssims(made, test)), protocol, len(test), base))
    return metrics + _components(test, train, numbers, nothing, protocol, setting)


def _components(
    test: Pixels, train: Pixels, numbers: Sequence[int], nothing: float, protocol: str, setting: Setting
) -> list[Metric]:
    if not numbers:
        return []
    components = Components(train, max(numbers))
    return [
        setting.metric(f"psnr_pca_{k}", mean(psnrs(components.project(test, k), test)), protocol, len(test), nothing)
        for k in numbers
    ]
