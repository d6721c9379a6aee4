"""A linear model with a Gaussian latent, of which everything is known: x = W z + b, plus noise of one deviation."""

from __future__ import annotations

import numpy as np
from scipy.stats import multivariate_normal

SHAPE = (1, 2, 3)


class Linear:
    """Encodes to the exact posterior of the linear Gaussian model, or one whose deviation is `wide` times as large.

    The columns of W are orthogonal, so the posterior has independent dimensions.
    """

    def __init__(self, sigma: float = 0.1, wide: float = 1.0) -> None:
        basis, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(6, 2)))
        self.weight, self.bias, self.sigma, self.wide = basis * [0.15, 0.08], np.full(6, 0.5), sigma, wide

    def posterior(self, images):
        lengths = np.square(self.weight).sum(axis=0)
        precision = 1 + lengths / self.sigma**2
        mean = (images.reshape(len(images), -1) - self.bias) @ self.weight / self.sigma**2 / precision
        std = np.broadcast_to(self.wide / np.sqrt(precision), mean.shape)
        return mean.astype(np.float32), std.astype(np.float32)

    def encode(self, images):
        return self.posterior(images)[0]

    def decode(self, latents):
        return (latents @ self.weight.T + self.bias).astype(np.float32).reshape(-1, *SHAPE)

    def log_density(self, images):
        covariance = self.weight @ self.weight.T + self.sigma**2 * np.eye(6)
        return multivariate_normal(self.bias, covariance).logpdf(images.reshape(len(images), -1))

    def pictures(self, n, seed=0):
        rng = np.random.default_rng(seed)
        flat = rng.normal(size=(n, 2)) @ self.weight.T + self.bias + rng.normal(size=(n, 6)) * self.sigma
        return np.rint(flat.clip(0, 1) * 255).astype(np.uint8).reshape(-1, *SHAPE)
