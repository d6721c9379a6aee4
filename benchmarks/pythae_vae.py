"""The other side of vae_pythae.py: the layers of a dense VAE trained by pythae 0.1.2."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zoo_dense_vae.network import DenseVAE

try:
    from pythae.models import VAE, VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.pipelines import TrainingPipeline
    from pythae.trainers import BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback
except ImportError as error:
    sys.exit(f"this benchmark compares with pythae, which can't be imported ({error}): pip install pythae==0.1.2")


class Encoder(BaseEncoder):  # type: ignore[misc]  # pythae has no types
    """The network's own layers, answering by pythae's names."""

    def __init__(self, network: DenseVAE) -> None:
        super().__init__()
        self.layers, self.average, self.log_variance = network.encoder, network.mean, network.log_variance

    def forward(self, x: Tensor) -> ModelOutput:
        """Mean and log-variance."""
        features = self.layers(x)
        return ModelOutput(embedding=self.average(features), log_covariance=self.log_variance(features))


class Decoder(BaseDecoder):  # type: ignore[misc]
    """The same for the way back."""

    def __init__(self, network: DenseVAE) -> None:
        super().__init__()
        self.layers = network.decoder

    def forward(self, z: Tensor) -> ModelOutput:
        """Probabilities of pixels."""
        return ModelOutput(reconstruction=self.layers(z).sigmoid())


class Clock(TrainingCallback):  # type: ignore[misc]
    """When each epoch ended."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def on_epoch_end(self, *_: object, **__: object) -> None:
        """Look at the clock."""
        self.ends.append(time.perf_counter())


def train(
    network: DenseVAE,
    pictures: NDArray[np.float32],
    folder: Path,
    latent: int,
    batch: int,
    epochs: int,
    learning_rate: float,
    seed: int,
) -> list[float]:
    """Train the network in place on pictures (N, 1, 28, 28) in [0, 1]; returns when each epoch ended.

    The rest is pythae's default: Adam, the last, smaller batch included, the best epoch's model written to `folder`.
    """
    logging.disable(logging.INFO)
    settings = VAEConfig(input_dim=(1, 28, 28), latent_dim=latent, reconstruction_loss="bce")
    table = BaseTrainerConfig(str(folder), batch, batch, epochs, learning_rate=learning_rate, seed=seed)
    model, clock = VAE(settings, encoder=Encoder(network), decoder=Decoder(network)), Clock()
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bars
        TrainingPipeline(model, table)(pictures, callbacks=[clock])
    network.cpu()
    return clock.ends
