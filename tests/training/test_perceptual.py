"""The perceptual distance: what it is, what it leaves alone, what is refused, and a run of a VAE with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import timm
import torch
from msgspec import ValidationError, convert
from msgspec.structs import replace
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional

from zoo.errors import NotFoundError, UsageError
from zoo.recipes.recipe import Recipe
from zoo.training.loop import Training, no_report
from zoo.training.objective import Batch
from zoo.training.perceptual import Perceptual, PerceptualTable
from zoo.training.run import Run
from zoo.training.train import build_objective, train
from zoo.training.vae import VAEOptions
from zoo_conv_vae.config import ConvVAEConfig
from zoo_conv_vae.objective import ConvVAEObjective

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from zoo.catalog.registry import Registry

BACKBONE = "test_efficientnet"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A source of random weights of timm's smallest backbone, its classifier included."""
    torch.manual_seed(1)
    file = tmp_path_factory.mktemp("weights") / "backbone.pth"
    torch.save(timm.create_model(BACKBONE).state_dict(), file)
    return f"file:{file}"


def made_of(weights: str, **changes: Any) -> Perceptual:
    distance = Perceptual(convert({"weights": weights, "backbone": BACKBONE, **changes}, PerceptualTable))
    distance.load()
    return distance


def pictures(count: int = 2, channels: int = 3, side: int = 64, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(seed))


# The distance.


def test_distance_is_that_of_unit_features(weights: str) -> None:
    whole = timm.create_model(BACKBONE).eval()
    whole.load_state_dict(torch.load(weights.removeprefix("file:"), weights_only=True))
    mean, std = (torch.tensor(whole.pretrained_cfg[name])[:, None, None] for name in ("mean", "std"))
    one, other = pictures(seed=1), pictures(seed=2)
    expected = torch.zeros(2)
    with torch.no_grad():
        maps = zip(*(whole.forward_intermediates((x - mean) / std)[1] for x in (one, other)), strict=True)
        for depth, (a, b) in enumerate(maps, 1):
            if depth in (2, 4):
                apart = functional.normalize(a, dim=1) - functional.normalize(b, dim=1)
                expected += apart.square().sum(dim=1).mean(dim=(1, 2))
    assert torch.allclose(made_of(weights, depths=[4, 2])(one, other), expected, rtol=1e-4)


def test_a_picture_is_at_no_distance_of_itself(weights: str) -> None:
    assert made_of(weights)(pictures(), pictures()).tolist() == [0.0, 0.0]


def test_small_pictures_are_enlarged_first(weights: str) -> None:
    distance, small = made_of(weights), (pictures(side=16, seed=1), pictures(side=16, seed=2))
    large = (functional.interpolate(x, (64, 64), mode="bilinear") for x in small)
    assert torch.equal(distance(*small), distance(*large))


def test_gray_pictures_are_taken_as_colour(weights: str) -> None:
    distance, gray = made_of(weights), (pictures(channels=1, seed=1), pictures(channels=1, seed=2))
    assert torch.equal(distance(*gray), distance(*(x.repeat(1, 3, 1, 1) for x in gray)))


def test_gradients_reach_what_was_made_alone(weights: str) -> None:
    distance = made_of(weights)
    made, target = pictures(seed=1).requires_grad_(), pictures(seed=2).requires_grad_()
    distance(made, target).mean().backward()
    assert made.grad is not None
    assert made.grad.abs().mean() > 0
    assert target.grad is None
    assert all(parameter.grad is None for parameter in distance.net.parameters())


def test_flat_pictures_have_finite_gradients(weights: str) -> None:
    made = torch.zeros(1, 3, 64, 64, requires_grad=True)
    made_of(weights)(made, torch.ones(1, 3, 64, 64)).mean().backward()
    assert made.grad is not None
    assert made.grad.isfinite().all()


def test_distance_in_float32_under_autocast(weights: str) -> None:
    distance, one, other = made_of(weights), pictures(seed=1), pictures(seed=2)
    expected = distance(one, other)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(distance(one, other), expected)
        assert distance(one.bfloat16(), other).dtype == torch.float32


def test_random_numbers_are_left_as_they_were(weights: str) -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    made_of(weights)
    assert torch.equal(torch.get_rng_state(), before)


# What is refused.


@pytest.mark.parametrize("source", ["random", "checkpoint:colorizer-unet.photos", "file:", "weights.pth"])
def test_only_weights_of_the_backbone_are_taken(source: str) -> None:
    with pytest.raises(ValidationError, match="write timm:NAME or package:NAME or file:PATH"):
        convert({"weights": source}, PerceptualTable)


def test_weights_must_be_named() -> None:
    with pytest.raises(ValidationError, match="missing required field `weights`"):
        convert({}, PerceptualTable)


def test_missing_weights_are_said(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        made_of(f"file:{tmp_path / 'none.pth'}")


def test_weights_of_another_network_are_refused(weights: str) -> None:
    with pytest.raises(UsageError, match=r"are no weights of timm's test_vit: .* is wanted|is missing"):
        made_of(weights, backbone="test_vit", depths=[1])


def test_an_unknown_backbone_is_refused(weights: str) -> None:
    with pytest.raises(UsageError, match=r"objective\.perceptual\.backbone: timm can't make 'test_nothing'"):
        made_of(weights, backbone="test_nothing")


def test_a_depth_that_the_backbone_lacks(weights: str) -> None:
    with pytest.raises(UsageError, match=r"objective\.perceptual\.depths: test_efficientnet has depths 1 to 5"):
        made_of(weights, depths=[1, 6])


# An objective with it, and a run.


def options(weights: str, **changes: Any) -> dict[str, Any]:
    return {"weights": weights, "backbone": BACKBONE, "weight": 30.0, "depths": [1, 2], **changes}


def test_the_loss_of_a_vae_takes_the_weighted_distance(weights: str) -> None:
    config = ConvVAEConfig(size=16, latent=4, encoder=(4,), encoder_strides=(2,), decoder=(4,), decoder_strides=(2,))
    batch, losses, logs = Batch(pictures(side=16), pictures(side=16), epoch=1.0), [], {}
    nets = ConvVAEObjective(config, VAEOptions()).networks()
    for perceptual in (None, options(weights)):
        objective = ConvVAEObjective(config, convert({"perceptual": perceptual}, VAEOptions))
        ((name, loss, logs),) = objective.losses(nets, batch, torch.Generator().manual_seed(0))
        losses.append(float(loss.detach()))
        assert name == "model"
    assert float(logs["perceptual"]) > 0
    assert losses[1] - losses[0] == pytest.approx(30.0 * float(logs["perceptual"]), rel=1e-3)


def test_a_evaluated_vae_scores_the_distance_too(weights: str) -> None:
    config = ConvVAEConfig(size=16, latent=4, encoder=(4,), encoder_strides=(2,), decoder=(4,), decoder_strides=(2,))
    net = ConvVAEObjective(config, VAEOptions()).networks()["model"].eval()
    plain, seen = (
        ConvVAEObjective(config, convert({"perceptual": perceptual}, VAEOptions))
        .evaluate(net, [Batch(pictures(side=16), pictures(side=16))])
        .figures
        for perceptual in (None, options(weights))
    )
    assert seen.keys() - plain.keys() == {"perceptual"}
    assert plain["score"] - seen["score"] == pytest.approx(30.0 * seen["perceptual"], rel=1e-3)


@pytest.fixture
def vae(weights: str, folder: Path) -> Recipe:
    """Two epochs of two steps of a small VAE with a perceptual term."""
    shape = {"size": 16, "latent": 4, "encoder": [4], "encoder_strides": [2], "decoder": [4], "decoder_strides": [2]}
    return convert(
        {
            "model": {"id": "conv-vae.test", "family": "conv-vae", "config": shape},
            "data": {"source": f"folder:{folder}", "size": 16},
            "objective": {"perceptual": options(weights)},
            "optimizer": {"model": {}},
            "train": {"epochs": 2, "batch": 2, "precision": "float32", "save_seconds": 0.0},
        },
        Recipe,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Four pictures to train on and two held out."""
    for place, picture in enumerate((pictures(6, side=16) * 255).byte()):
        split = tmp_path / "pictures" / ("val" if place > 3 else "train")
        split.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(split / f"{place}.png")
    return tmp_path / "pictures"


def test_a_run_with_it_resumes_bit_for_bit(tmp_path: Path, vae: Recipe, registry: Registry) -> None:
    def stop(step: int, _steps: int, row: Mapping[str, Any]) -> None:
        if step == 3 and not row.get("evaluated"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(vae, "vae.toml", tmp_path / "stopped", registry, False, stop)
    train(vae, "vae.toml", tmp_path / "stopped", registry, True, no_report)
    train(vae, "vae.toml", tmp_path / "whole", registry, False, no_report)
    one, other = (
        load_file(max((tmp_path / run / "state").iterdir()) / "tensors.safetensors") for run in ("stopped", "whole")
    )
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_its_network_is_neither_trained_nor_saved(tmp_path: Path, vae: Recipe, registry: Registry) -> None:
    seen = build_objective(vae, registry)
    plain = build_objective(replace(vae, objective={}), registry)
    trained = [Training(vae, objective, Run(tmp_path / "run")) for objective in (seen, plain)]
    assert trained[0].nets.keys() == {"model"}
    counts = [sum(len(group["params"]) for group in t.optimizers["model"].param_groups) for t in trained]
    assert counts[0] == counts[1]
    # The first weights of the network are the same, whatever the other network draws for its own.
    states = [t.nets["model"].state_dict() for t in trained]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_missing_weights_leave_no_run_folder(tmp_path: Path, vae: Recipe, registry: Registry) -> None:
    told = replace(vae, objective={"perceptual": options(f"file:{tmp_path / 'none.pth'}")})
    with pytest.raises(NotFoundError, match="there is no file"):
        train(told, "vae.toml", tmp_path / "run", registry, False, no_report)
    assert not (tmp_path / "run").exists()
