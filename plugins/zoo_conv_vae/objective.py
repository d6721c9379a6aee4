"""What the convolutional VAE trains on."""

from __future__ import annotations

from torch import nn

from zoo.training.vae import VAEObjective
from zoo_conv_vae.config import ConvVAEConfig
from zoo_conv_vae.network import ConvVAE


class ConvVAEObjective(VAEObjective[ConvVAEConfig]):
    """The negative evidence lower bound in the forms of `VAEObjective`.

    The reports' two are `reconstruction = "rmse"`: alpha * RMSE + KL, and `"mse"`: r_loss_factor * MSE + KL, where the
    key `alpha` is the factor of either.
    """

    def networks(self) -> dict[str, nn.Module]:
        """One network."""
        return {"model": ConvVAE(self.config)}
