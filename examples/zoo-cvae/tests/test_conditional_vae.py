"""The zoo's contract, and what is particular about a VAE that is told what to draw."""

from __future__ import annotations

import torch
from zoo_cvae.config import ConditionalVAEConfig
from zoo_cvae.network import ConditionalVAE

from zoo.testing import check_family


def test_the_family_holds_to_the_contract() -> None:
    check_family("conditional-vae")


def test_another_label_gives_another_picture() -> None:
    config = ConditionalVAEConfig(size=16, hidden=(32,), latent=4)
    network = ConditionalVAE(config).eval()
    latents, labels = torch.randn(1, 4).expand(10, 4), torch.eye(10)
    made = network.decode(latents, labels)
    assert made.shape == (10, 1, 16, 16)
    assert len({tuple(picture.flatten().tolist()) for picture in made}) == 10
