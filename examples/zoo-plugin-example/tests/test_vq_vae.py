"""The zoo's contract, and what is particular about codes."""

from __future__ import annotations

import torch
from zoo_vq_vae.config import VQVAEConfig
from zoo_vq_vae.network import VQVAE

from zoo.testing import check_family

TINY = VQVAEConfig(size=16, channels=1, width=8, codes=5, dimensions=3)


def test_the_family_holds_to_the_contract() -> None:
    """Every failure says what to do."""
    check_family("vq-vae")


def test_every_latent_is_a_code() -> None:
    """What the encoder gives, and what is drawn, are vectors of the codebook."""
    network = VQVAE(TINY).eval()
    for latents in (network.encode(torch.rand(2, 1, 16, 16)), network.sample(torch.randn(2, 4, 4))):
        vectors = latents.permute(0, 2, 3, 1).flatten(0, 2)
        apart = (vectors[:, None] - network.codebook).abs().amax(dim=2)
        assert (apart.amin(dim=1) == 0).all()


def test_codes_are_drawn_as_often_as_training_chose_them() -> None:
    """Of a place that always had code 3, code 3 is drawn."""
    network = VQVAE(TINY).eval()
    network.cumulative[:, 1, 2] = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0])
    drawn = network.nearest(network.sample(torch.randn(500, 4, 4)))
    assert (drawn[:, 1, 2] == 3).all()
    assert 60 < (drawn[:, 0, 0] == 3).sum() < 140


def test_the_codebook_follows_the_encoder() -> None:
    """A step in training mode moves it; use does not."""
    network = VQVAE(TINY)
    before = network.codebook.clone()
    network.eval()(torch.rand(2, 1, 16, 16))
    assert torch.equal(network.codebook, before)
    network.train()(torch.rand(2, 1, 16, 16))
    assert not torch.equal(network.codebook, before)
    assert torch.allclose(network.cumulative[-1], torch.ones(4, 4))
