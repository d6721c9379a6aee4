"""What the dense VAE trains on."""

from __future__ import annotations

from torch import nn

from zoo.training.vae import VAEObjective
from zoo_dense_vae.config import DenseVAEConfig
from zoo_dense_vae.network import DenseVAE


class DenseVAEObjective(VAEObjective[DenseVAEConfig]):
    """The negative evidence lower bound, its reconstruction by absolute, squared or Bernoulli error."""

    def networks(self) -> dict[str, nn.Module]:
        """One network."""
        return {"model": DenseVAE(self.config)}
