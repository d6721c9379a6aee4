"""A fitted prior: it finds the latents, the better candidate wins, and both backends draw the same from it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch import nn

import zoo
from zoo.errors import UsageError
from zoo.inference.latents import noise
from zoo.recipes.recipe import PriorTable, read_recipe
from zoo.training.prior import choose_prior, fit_prior, samples, standard_log_likelihood
from zoo.training.train import find_recipe, train

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.registry import Registry

CENTRES = np.array([[3.0, 0.0, 0.0], [-3.0, 1.0, 0.0]])
SMALL = (
    "model.config={ hidden = [16, 8], latent = 4 }",
    "train.batch=8",
    "train.epochs=2",
    "train.eval_epochs=2",
    "optimizer.model.lr=0.01",
    "train.workers=0",
    "augment={}",
    "prior.components=[1, 2]",
    "prior.dimensions=[3]",
)


class Decoder(nn.Module):
    """Shows the first latent as a level."""

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(z[:, :1, None, None])


def two_clusters(count: int, seed: int) -> np.ndarray:
    """A third around one centre, the rest around the other; the last axis hardly varies."""
    rng = np.random.default_rng(seed)
    centre = CENTRES[(rng.random(count) > 1 / 3).astype(int)]
    return (centre + rng.normal(size=(count, 3)) * [0.5, 0.5, 0.05]).astype(np.float32)


def test_draws_lie_where_the_latents_lie() -> None:
    latents = two_clusters(3000, seed=0)
    prior = fit_prior(latents, components=2, dimensions=2).prior
    drawn = prior.sample(torch.from_numpy(noise(3000, (prior.noise,), seed=1))).numpy()
    for centre, share in zip(CENTRES, (1 / 3, 2 / 3), strict=True):
        near = np.abs(drawn - centre).max(axis=1) < 1.7
        assert near.mean() == pytest.approx(share, abs=0.04)
        np.testing.assert_allclose(drawn[near].mean(axis=0), centre, atol=0.1)
        np.testing.assert_allclose(drawn[near].std(axis=0), [0.5, 0.5, 0.05], atol=0.06)


def test_a_draw_does_not_depend_on_its_batch() -> None:
    prior = fit_prior(two_clusters(300, seed=0), components=2, dimensions=2).prior
    draws = torch.from_numpy(noise(6, (prior.noise,), seed=0))
    torch.testing.assert_close(prior.sample(draws)[:2], prior.sample(draws[:2]))


def test_the_likelihood_is_that_of_the_density() -> None:
    rng = np.random.default_rng(0)
    latents, held_out = (rng.normal(size=(n, 2)).astype(np.float32) @ np.diag([2.0, 0.5]) for n in (20_000, 500))
    fitted = fit_prior(latents.astype(np.float32), components=1, dimensions=2)
    true = torch.distributions.Normal(0.0, torch.tensor([2.0, 0.5])).log_prob(torch.from_numpy(held_out)).sum(dim=1)
    assert fitted.log_likelihood(held_out.astype(np.float32)) == pytest.approx(float(true.mean()), abs=0.02)
    assert standard_log_likelihood(np.zeros((1, 2), np.float32)) == pytest.approx(-np.log(2 * np.pi))


@pytest.mark.parametrize("choose", ["likelihood", "frechet"])
def test_prior_candidates_are_sorted_and_include_the_normal(choose: str) -> None:
    table = PriorTable(components=(1, 2), dimensions=(2,), choose=choose, samples=400)  # type: ignore[arg-type]
    training, held_out = two_clusters(800, seed=0), two_clusters(200, seed=1)
    real = next(samples(Decoder(), None, 3, 16))
    assert real.shape == (16, 1, 1, 1)
    levels = np.sort(torch.sigmoid(torch.from_numpy(training[:400, 0])).numpy())
    distance = (lambda made: float(np.abs(np.sort(made.ravel()) - levels).mean())) if choose == "frechet" else None
    candidates = choose_prior(Decoder(), table, training, held_out, distance)
    assert [candidate.name for candidate in candidates] == [
        "2 components, 2 dimensions", "1 components, 2 dimensions", "normal",
    ]  # fmt: skip
    assert candidates[0].figure < candidates[-1].figure
    assert candidates[-1].prior is None


def test_standard_normal_latents_keep_the_standard_normal() -> None:
    rng = np.random.default_rng(0)
    training, held_out = (rng.standard_normal((n, 4)).astype(np.float32) for n in (40, 4000))
    table = PriorTable(components=(8,), dimensions=(4,))
    assert choose_prior(Decoder(), table, training, held_out, None)[0].name == "normal"


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, registry: Registry) -> Path:
    """A dense VAE trained for a few steps on bright and dark squares, with a fitted prior."""
    folder = tmp_path_factory.mktemp("digits")
    rng = np.random.default_rng(0)
    images = np.where(rng.random((48, 1, 1)) > 0.5, 230, 20) + rng.integers(-20, 20, (48, 28, 28))
    np.savez(folder / "digits.npz", images=images.astype(np.uint8))
    recipe = read_recipe(find_recipe("dense-vae.mnist", registry), (*SMALL, f'data.source="npz:{folder}/digits.npz"'))
    train(recipe, "dense-vae-mnist.toml", folder / "run", registry, False, lambda step, steps, logs: None)
    return folder / "run"


def test_a_checkpoint_holds_its_fitted_prior(checkpoint: Path) -> None:
    config = json.loads((checkpoint / "checkpoint" / "config.json").read_text())
    report = json.loads((checkpoint / "prior.json").read_text())
    assert report["best"] != "normal"
    assert config["latent"]["prior"] == "sampler"
    sampler = config["latent"]["sampler"]
    components = int(report["best"].split()[0])
    assert sampler["numbers"] == components * (2 + 3 + 9) + 3 * 4 + 2 * 4
    assert sampler["noise"] == [1 + 3 + 4]
    assert config["weights"]["buffers"] == 0


def test_both_backends_draw_the_same_pictures(checkpoint: Path) -> None:
    onnx, torch_ = (zoo.load(f"dir:{checkpoint / 'checkpoint'}", backend=kind) for kind in ("onnx", "torch"))
    np.testing.assert_allclose(onnx.generate(16, seed=3), torch_.generate(16, seed=3), atol=2 / 255)
    pictures = np.random.default_rng(0).random((2, 1, 28, 28), dtype=np.float32)
    for one, other in zip(onnx.posterior(pictures), torch_.posterior(pictures), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-3)
    assert np.abs(onnx.generate(16, seed=3) - onnx.generate(16, seed=3, prior="normal")).max() > 2 / 255


def test_a_prior_of_spatial_latents_is_refused(tmp_path: Path, registry: Registry) -> None:
    changes = ("model.config={ spatial = true, latent = 4 }", "data.source=npz:none.npz")
    recipe = read_recipe(find_recipe("conv-vae.faces", registry), changes)
    with pytest.raises(UsageError, match=r"latents of one axis; those of conv-vae.faces are \(4, 8, 8\)"):
        train(recipe, "conv-vae-faces.toml", tmp_path / "run", registry, False, lambda step, steps, logs: None)
    assert not (tmp_path / "run").exists()
