"""The colorizing U-Net: its bins of colours, its pretrained encoder, what training moves, its checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

import zoo
from zoo.catalog import Registry
from zoo.errors import UsageError
from zoo.pictures.color import rgb_to_lab as core_rgb_to_lab
from zoo.recipes.recipe import read_recipe
from zoo.training.objective import Batch
from zoo.training.train import find_recipe, train
from zoo_colorizer.lab import lightness, rgb_to_lab
from zoo_colorizer_unet.bins import SoftBins, in_gamut
from zoo_colorizer_unet.config import ColorizerUNetConfig
from zoo_colorizer_unet.network import ColorizerUNet
from zoo_colorizer_unet.objective import ColorizerUNetObjective

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from zoo.recipes.recipe import Recipe

TINY = ColorizerUNetConfig(backbone="test_efficientnet", widths=(16, 16, 16, 8), size=32)
FROZEN = ("conv_stem", "bn1", "blocks.0")


@pytest.fixture
def tiny() -> ColorizerUNet:
    torch.manual_seed(0)
    return ColorizerUNet(TINY).eval()


def objective(**options: Any) -> ColorizerUNetObjective:
    return ColorizerUNetObjective(TINY, ColorizerUNetObjective.Options(**options))


def photos(count: int = 2, side: int = 32) -> Tensor:
    """Soft blots (N, 3, side, side) in [0, 1], the same each time."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    return nn.functional.interpolate(coarse, (side, side), mode="bilinear")


# Bins.


def test_bins_are_the_colours_of_srgb() -> None:
    bins = in_gamut()
    assert bins.shape == (231, 2)
    levels = np.linspace(0.0, 1.0, 33, dtype=np.float32)
    every = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
    colours = torch.from_numpy(np.ascontiguousarray(core_rgb_to_lab(every)[0, :, 1:]))
    apart = torch.cdist(colours, bins)
    assert apart.amin(dim=0).max() < 2.5  # each bin is a colour of sRGB
    assert apart.amin(dim=1).max() < 10.0  # each colour of sRGB is near a bin


def test_soft_weights_sum_to_one_the_nearest_first() -> None:
    bins = in_gamut()
    asked = torch.stack(torch.meshgrid(torch.arange(-80.0, 81.0, 7), torch.arange(-80.0, 81.0, 9), indexing="ij"))[None]
    index, weight = SoftBins(bins)(asked)
    assert index.shape == weight.shape == (1, 5, *asked.shape[2:])
    assert torch.allclose(weight.sum(dim=1), torch.ones_like(weight[:, 0]))
    assert (weight.diff(dim=1) <= 0).all()
    apart = torch.cdist(asked[0].flatten(1).T, bins)
    nearest = bins[index[0, 0].flatten()]
    assert torch.allclose((nearest - asked[0].flatten(1).T).norm(dim=1), apart.amin(dim=1))


def test_a_bins_own_colour_gets_its_bin() -> None:
    bins = in_gamut()
    index, weight = SoftBins(bins)(bins.T[None, :, :, None])
    assert torch.equal(index[0, 0, :, 0], torch.arange(len(bins)))
    assert (weight[:, 0] > weight[:, 1]).all()


def test_colours_out_of_reach_are_taken_at_the_edge() -> None:
    index, weight = SoftBins(in_gamut())(torch.tensor([900.0, -900.0]).view(1, 2, 1, 1))
    assert torch.isfinite(weight).all()
    assert index.max() < 231


# The network.


def test_the_base_preset_has_4_228_327_parameters() -> None:
    with torch.device("meta"):
        network = ColorizerUNet(ColorizerUNetConfig())
    count = [sum(parameter.numel() for parameter in part.parameters()) for part in (network, network.encoder)]
    assert count == [4_228_327, 2_958_848]


def test_logits_come_at_a_quarter_of_the_size(tiny: ColorizerUNet) -> None:
    with torch.no_grad():
        assert tiny(torch.rand(2, 1, 32, 64)).shape == (2, 231, 8, 16)
        assert tiny.translate(torch.rand(2, 1, 32, 64)).shape == (2, 3, 32, 64)


def test_a_backbone_without_these_sizes_is_refused() -> None:
    with pytest.raises(ValueError, match="1/4 to 1/32 are wanted"):
        ColorizerUNet(msgspec.structs.replace(TINY, backbone="test_vit"))


def test_training_keeps_the_encoders_statistics(tiny: ColorizerUNet) -> None:
    tiny.train()
    assert tiny.training
    assert tiny.joins.training
    assert not any(module.training for module in tiny.encoder.modules())
    before = {name: buffer.clone() for name, buffer in tiny.named_buffers()}
    tiny(torch.rand(2, 1, 32, 32))
    moved = {name.split(".")[0] for name, buffer in tiny.named_buffers() if not torch.equal(buffer, before[name])}
    assert moved == {"middle", "joins"}


def test_at_low_temperature_the_likeliest_colour_wins(tiny: ColorizerUNet) -> None:
    logits = torch.randn(1, 231, 6, 6, generator=torch.Generator().manual_seed(0)) * 3
    likeliest = tiny.bins[logits.argmax(dim=1)].permute(0, 3, 1, 2)
    assert torch.allclose(tiny.mean_color(logits, 1e-3), likeliest, atol=0.1)
    mean = torch.einsum("nqhw,qc->nchw", logits.softmax(dim=1), tiny.bins)
    assert torch.allclose(tiny.mean_color(logits, 1.0), mean, atol=1e-4)
    assert not torch.allclose(mean, likeliest, atol=1.0)


def test_translate_keeps_the_lightness(tiny: ColorizerUNet) -> None:
    gray = photos()[:, :1] * 0.6 + 0.2
    with torch.no_grad():
        rgb = tiny.translate(gray)
    inside = (rgb > 0.001).all(1) & (rgb < 0.999).all(1)
    assert inside.float().mean() > 0.5
    assert (rgb_to_lab(rgb)[:, 0] - lightness(gray)[:, 0]).abs()[inside].max() < 0.05


def test_without_chroma_the_answer_is_gray(tiny: ColorizerUNet) -> None:
    gray = photos()[:, :1]
    tiny.chroma_scale = 0.0
    with torch.no_grad():
        assert torch.allclose(tiny.translate(gray), gray.expand(-1, 3, -1, -1), atol=1e-3)


def answer_with(network: ColorizerUNet, monkeypatch: pytest.MonkeyPatch, spread: float) -> None:
    """Make the network tell a Gaussian of this spread around gray, everywhere."""
    logits = -network.bins.square().sum(dim=1) / (2 * spread**2)
    monkeypatch.setattr(network, "forward", lambda gray: logits.view(1, -1, 1, 1).expand(len(gray), -1, 8, 8))


def candidates(network: ColorizerUNet, noise: tuple[float, float]) -> Tensor:
    """Mean a and b of a candidate for a flat gray photo, with the same noise everywhere."""
    planes = torch.tensor([0.5, *noise]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    with torch.no_grad():
        return rgb_to_lab(network.candidates(planes))[0, 1:].mean(dim=(1, 2))


def test_noise_moves_the_colours_by_its_deviations(tiny: ColorizerUNet, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(tiny, monkeypatch, spread=12.0)
    still, red, blue = (candidates(tiny, noise) for noise in ((0.0, 0.0), (1.0, 0.0), (0.0, -1.0)))
    assert still.abs().max() < 0.5
    assert 8.0 < red[0] < 13.0
    assert abs(red[1]) < 2.0
    assert -13.0 < blue[1] < -8.0


def test_noise_changes_little_where_the_network_is_sure(tiny: ColorizerUNet, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_with(tiny, monkeypatch, spread=1.0)
    assert candidates(tiny, (2.0, 2.0)).norm() < 1.0


def test_without_noise_a_candidate_is_the_answer(tiny: ColorizerUNet) -> None:
    gray = photos()[:, :1]
    with torch.no_grad():
        still = tiny.candidates(torch.cat([gray, torch.zeros(2, 2, 32, 32)], dim=1))
        assert torch.allclose(still, tiny.translate(gray), atol=1e-5)


# The objective.


def moved(epoch: float) -> set[str]:
    """The parameters of the encoder that one step changes, two epochs of which are frozen."""
    torch.manual_seed(0)
    trained = objective(freeze_epochs=2.0, frozen=FROZEN)
    network = trained.networks()["model"].train()
    before = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.5)
    target = photos()
    batch = Batch(target.mean(dim=1, keepdim=True), target, epoch=epoch)
    ((name, loss, _),) = trained.losses({"model": network}, batch, torch.Generator())
    assert name == "model"
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    changed = {name for name, parameter in network.named_parameters() if not torch.equal(parameter, before[name])}
    assert {name for name in changed if not name.startswith("encoder.")}
    return {name.removeprefix("encoder.") for name in changed if name.startswith("encoder.")}


def test_the_encoder_is_kept_for_the_frozen_epochs() -> None:
    assert moved(epoch=1.9) == set()


def test_what_is_frozen_for_good_never_moves() -> None:
    found = moved(epoch=2.0)
    assert not {name for name in found if name.startswith(FROZEN)}
    stages = {name.split(".")[1] for name in found}
    assert stages == {"1", "2", "3", "4"}


class Fixed(nn.Module):
    """Answers with the same logits, whatever it is given."""

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits = logits

    def forward(self, gray: Tensor, learn_encoder: bool) -> Tensor:
        return self.logits


def loss_of(logits: Tensor, target: Tensor, trained: ColorizerUNetObjective) -> float:
    batch = Batch(target.mean(dim=1, keepdim=True), target)
    ((_, loss, _),) = trained.losses({"model": Fixed(logits)}, batch, torch.Generator())
    return float(loss)


def told(target: Tensor) -> Tensor:
    """Logits of a network that is right about these photos, at a quarter of their size."""
    index, share = SoftBins(in_gamut())(rgb_to_lab(nn.functional.avg_pool2d(target, 4))[:, 1:])
    return torch.zeros(len(target), 231, *index.shape[2:]).scatter(1, index, share).clamp(min=1e-4).log()


def test_the_truth_has_a_lower_loss_than_a_guess() -> None:
    target, trained = photos(), objective()
    even = loss_of(torch.zeros(2, 231, 8, 8), target, trained)
    assert even == pytest.approx(np.log(231), abs=1e-3)
    assert loss_of(told(target), target, trained) < even < loss_of(told(target.flip(1)), target, trained)


def test_rare_colours_weigh_more_up_to_a_limit() -> None:
    red = torch.tensor([0.9, 0.2, 0.1]).view(3, 1, 1).expand(3, 32, 32)
    gray = torch.full((3, 32, 32), 0.5)
    half = torch.cat([gray[..., :16], red[..., 16:]], dim=2)[None]
    only_gray = told(gray[None])  # right on the left, wrong on the right
    mostly_gray = [(gray * 255).byte()] * 9 + [(red * 255).byte()]
    losses = []
    for limit in (1.0, 4.0):
        trained = objective(max_weight=limit, uniform=0.5)
        trained.prepare(mostly_gray)
        losses.append(loss_of(only_gray, half, trained))
        assert trained.weights.max() <= limit
    assert losses[1] > 1.2 * losses[0]


def test_evaluation_chooses_both_settings() -> None:
    target = photos(4)
    evaluation = objective(chroma_floor=0.0).evaluate(
        ColorizerUNet(TINY).eval(), [Batch(target.mean(1, keepdim=True), target)]
    )
    assert evaluation.config.keys() == {"temperature", "chroma_scale"}
    msgspec.convert(msgspec.to_builtins(TINY) | evaluation.config, ColorizerUNetConfig)


# The recipe and the checkpoint.


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for split, count in (("train", 8), ("val", 2)):
        (folder / split).mkdir()
        for number, picture in enumerate(photos(count, 48)):
            pixels = (picture.permute(1, 2, 0).numpy() * 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / split / f"{number}.png")
    return folder


def shipped(registry: Registry, pictures: Path, *changes: str) -> Recipe:
    """The shipped recipe with the tiny preset, two steps on generated pictures."""
    small = ("model.preset=tiny", "data.size=64", "data.eval_size=64", 'objective.frozen=["conv_stem"]')
    short = ("train.epochs=2", "train.samples_per_epoch=4", "train.batch=4", "train.eval_epochs=2")
    source = f'data.source="folder:{pictures}"'
    return read_recipe(find_recipe("colorizer-unet-photos", registry), (*small, *short, source, *changes))


def quiet(step: int, steps: int, row: Mapping[str, Any]) -> None:
    """A report nobody reads."""


def test_two_steps_make_a_checkpoint_that_equals_pytorch(tmp_path: Path, registry: Registry, pictures: Path) -> None:
    recipe = shipped(registry, pictures, "init.encoder=random", "objective.freeze_epochs=1")
    config = train(recipe, "r.toml", tmp_path / "run", registry, False, quiet)
    assert config.training is not None
    assert config.training.steps == 2
    gray = np.random.default_rng(0).random((2, 1, 64, 64), dtype=np.float32)
    onnx, pytorch = (
        zoo.load(f"dir:{tmp_path / 'run' / 'checkpoint'}", backend).translate(gray) for backend in ("onnx", "torch")
    )
    assert onnx.shape == (2, 3, 64, 64)
    assert np.abs(onnx - pytorch).max() < 1e-3


def test_a_recipe_must_say_what_the_encoder_begins_with(tmp_path: Path, registry: Registry, pictures: Path) -> None:
    recipe = msgspec.structs.replace(shipped(registry, pictures), init={})
    with pytest.raises(UsageError, match=r"does not say what its encoder begins with: set init\.encoder to timm:NAME"):
        train(recipe, "r.toml", tmp_path / "run", registry, False, quiet)
    assert not (tmp_path / "run").exists()


def test_candidates_take_a_strength() -> None:
    model = zoo.load("colorizer-unet.photos")
    gray = np.tile(np.linspace(40, 200, 64, dtype=np.uint8), (1, 1, 48, 1))
    made = model.candidates(gray, n=2, strength=0.0)
    assert np.ptp(made.astype(int), axis=1).max() <= 1
    assert np.ptp(model.candidates(gray, n=2)[1].astype(int), axis=0).max() > 10
