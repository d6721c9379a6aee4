"""The DCGAN: the report's layers and counts, the losses and remedies, and the watch over a run."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

from zoo.catalog.families import configured
from zoo.catalog.interface import Latent
from zoo.catalog.registry import Registry
from zoo.errors import TrainingError, UsageError
from zoo.recipes.recipe import read_recipe
from zoo.training.objective import Batch
from zoo.training.train import build_objective, find_recipe
from zoo_dcgan import losses
from zoo_dcgan.augment import augmented
from zoo_dcgan.config import DCGANConfig
from zoo_dcgan.network import WITHIN, Discriminator, Generator
from zoo_dcgan.objective import DCGANObjective, DCGANOptions

TINY = DCGANConfig(size=8, latent=4, generator=(6, 4), discriminator=(3, 4, 5))
# Learned parameters of each layer, as the report's tables list them.
COUNTS = {
    "gray28": ([5_067_776, 524_416, 1_153], [560, 56_560, 226_016, 10_977]),
    "rgb32": ([6_619_136, 524_416, 3_459], [1_792, 73_856, 295_168, 16_385]),
}
SUMS = {"gray28": (5_593_345, 294_113), "rgb32": (7_147_011, 387_201)}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


def layers(network: nn.Module) -> list[int]:
    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    return [sum(p.numel() for p in m.parameters()) for m in network.modules() if isinstance(m, kinds)]


@pytest.mark.parametrize("preset", COUNTS)
def test_the_layers_are_those_of_the_report(preset: str, registry: Registry) -> None:
    config = configured(registry.family("dcgan"), {}, preset)
    with torch.device("meta"):
        networks = Generator(config), Discriminator(config)
    assert tuple(layers(network) for network in networks) == COUNTS[preset]
    assert tuple(sum(p.numel() for p in network.parameters()) for network in networks) == SUMS[preset]
    assert not [module for network in networks for module in network.modules() if "Norm" in type(module).__name__]
    assert not [buffer for network in networks for buffer in network.buffers()]


def test_both_networks_keep_sizes_and_images_are_in_range() -> None:
    config = DCGANConfig(size=12, channels=3, latent=4, generator=(6, 4), discriminator=(3, 4, 5))
    z = 30 * torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    pictures = Generator(config).decode(z)
    assert pictures.shape == (3, 3, 12, 12)
    assert pictures.min() >= 0
    assert pictures.max() <= 1
    assert Discriminator(config)(2 * pictures - 1).shape == (3,)


@pytest.mark.parametrize("hidden", [0, 32])
def test_only_a_hidden_layer_relates_far_parts_of_an_image(hidden: int) -> None:
    torch.manual_seed(0)
    discriminator = Discriminator(DCGANConfig(size=28, discriminator=(3, 4, 5)), hidden=hidden)
    corners = torch.zeros(4, 1, 28, 28)
    corners[1::2, :, :5, :5] = 1.0
    corners[2:, :, -5:, -5:] = 1.0
    neither, first, second, both = discriminator(corners)
    together = float((both - first - second + neither).detach())
    assert (abs(together) > 1e-3) == bool(hidden)


def test_a_picture_does_not_depend_on_its_batch() -> None:
    generator = Generator(TINY)
    z = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    whole = generator.decode(z)
    alone = torch.cat([generator.decode(one[None]) for one in z])
    assert (whole - alone).abs().max() < 1e-5


def test_a_mixture_draws_latents_about_means_that_are_learned() -> None:
    config = DCGANConfig(size=8, latent=4, generator=(6, 4), discriminator=(3, 4, 5), components=3)
    generator, plain = Generator(config), Generator(TINY)
    noise = torch.randn(6000, 5, generator=torch.Generator().manual_seed(0))
    noise[:2, 0] = torch.tensor([-40.0, 40.0])
    latents = generator.sample(noise)
    means = generator.mixture.means
    away = latents - WITHIN * noise[:, 1:]
    chosen = torch.cdist(away, means).argmin(dim=1)
    assert (away - means[chosen]).abs().max() < 1e-5
    assert chosen[:2].tolist() == [0, 2]
    assert (torch.bincount(chosen) / len(chosen) - 1 / 3).abs().max() < 0.03
    generator.decode(latents).sum().backward()
    assert (means.grad.abs().sum(dim=1) > 0).all()
    wide = Generator(msgspec.structs.replace(config, spread=3.0))
    wide.load_state_dict(generator.state_dict())
    assert torch.equal(wide.sample(noise), latents)
    assert torch.allclose(wide.eval().sample(noise) - latents, 2 * WITHIN * noise[:, 1:], atol=1e-5)
    assert layers(generator) == layers(plain)
    assert config.interface().latent == Latent((4,), "sampler", (5,))
    assert TINY.interface().latent == Latent((4,))
    assert torch.equal(plain.sample(noise[:, 1:]), noise[:, 1:])


def test_a_configuration_that_would_not_fit_is_refused(registry: Registry) -> None:
    with pytest.raises(UsageError, match="268 million"):
        configured(registry.family("dcgan"), {"size": 128, "latent": 1024}, "gray28")


def test_the_losses_are_those_of_their_sources() -> None:
    real, fake = torch.tensor([0.5, -1.0]), torch.tensor([-0.25, 2.0])
    d = {kind: float(losses.discriminator_loss(kind, real, fake)) for kind in ("minimax", "hinge", "relativistic")}
    entropy = nn.functional.binary_cross_entropy_with_logits
    assert d["minimax"] == pytest.approx(float(entropy(real, torch.ones(2)) + entropy(fake, torch.zeros(2))))
    assert d["hinge"] == pytest.approx((0.5 + 2.0) / 2 + (0.75 + 3.0) / 2)
    assert d["relativistic"] == pytest.approx(float(-nn.functional.logsigmoid(real - fake).mean()))
    g = {kind: float(losses.generator_loss(kind, real, fake)) for kind in ("minimax", "nonsaturating", "hinge")}
    assert g["minimax"] == pytest.approx(float((1 - fake.sigmoid()).log().mean()))
    assert g["nonsaturating"] == pytest.approx(float(entropy(fake, torch.ones(2))))
    assert g["hinge"] == pytest.approx(-0.875)


def test_only_minimax_saturates_at_a_sure_discriminator() -> None:
    slopes = {}
    for kind in ("minimax", "nonsaturating"):
        fake = torch.tensor([-8.0], requires_grad=True)
        (slopes[kind],) = torch.autograd.grad(losses.generator_loss(kind, torch.zeros(1), fake), fake)
    assert -1e-3 < slopes["minimax"].item() < 0
    assert slopes["nonsaturating"].item() < -0.99


class Quadratic(nn.Module):
    """Logit a * |x|^2: its gradient is 2 a x."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor(3.0))

    def forward(self, x: torch.Tensor, precise: bool = False) -> torch.Tensor:
        assert precise
        return self.a * x.square().flatten(1).sum(dim=1)


def test_penalties_are_squared_slopes_and_reach_the_weights() -> None:
    net, x = Quadratic(), torch.tensor([[[[1.0, 2.0]]], [[[0.0, 1.0]]]])
    slopes = losses.squared_slopes(net, x)
    assert slopes.tolist() == pytest.approx([36 * 5, 36 * 1])
    slopes.mean().backward()
    assert net.a.grad is not None
    assert net.a.grad.item() == pytest.approx(8 * 3 * (5 + 1) / 2)


def test_penalties_are_float32_in_mixed_precision() -> None:
    net, x = Discriminator(TINY), torch.rand(4, 1, 8, 8)
    exact = losses.squared_slopes(net, x)
    with torch.autocast("cpu", torch.bfloat16):
        assert net.layers(x).dtype == torch.bfloat16
        assert torch.equal(losses.squared_slopes(net, x), exact)


def test_terms_against_collapse_are_large_for_similar_images() -> None:
    z = torch.randn(8, 4)
    spread, alike = torch.rand(8, 1, 6, 6), torch.full((8, 1, 6, 6), 0.5) + 1e-3 * torch.rand(8, 1, 6, 6)
    assert losses.mode_seeking(z, alike) > 50 * losses.mode_seeking(z, spread)
    assert losses.negative_entropy(alike) > losses.negative_entropy(spread) + 3
    assert losses.diversity(alike) < 0.01 < losses.diversity(spread)
    same = torch.zeros(8, 1, 6, 6, requires_grad=True)
    (gradient,) = torch.autograd.grad(losses.negative_entropy(same) + losses.mode_seeking(z, same), same)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("policy", ["color", "translation", "cutout"])
def test_augmentation_differs_per_image_and_passes_gradients(policy: str) -> None:
    x = torch.rand(6, 3, 16, 16).requires_grad_()
    rng = torch.Generator().manual_seed(0)
    seen = augmented(x, [policy], rng)
    assert seen.shape == x.shape
    change = (seen - x).detach().flatten(1).norm(dim=1)
    assert len({round(float(value), 4) for value in change}) > 3
    seen.square().sum().backward()
    assert x.grad is not None
    assert (x.grad.flatten(1).norm(dim=1) > 0).all()
    again = augmented(x, [policy], torch.Generator().manual_seed(0))
    assert torch.equal(seen, again)


def test_translation_moves_images_whole_and_cutout_makes_a_hole() -> None:
    x = torch.full((40, 1, 16, 16), -1.0)
    x[:, :, 8, 8] = 1.0
    moved = augmented(x, ["translation"], torch.Generator().manual_seed(0))
    assert (moved.flatten(1).sum(1) == x.flatten(1).sum(1)).all()
    places = {tuple(map(int, place[1:])) for place in moved[:, 0].argmax(dim=2).gt(0).nonzero()}
    rows = moved[:, 0].amax(dim=2).argmax(dim=1)
    assert set(rows.tolist()) == {6, 7, 8, 9, 10}, places
    holes = (augmented(torch.ones(40, 1, 16, 16), ["cutout"], torch.Generator().manual_seed(0)) == 0).float()
    assert 0 < holes.mean() <= 0.25
    assert holes.flatten(1).sum(1).max() == 64


def moves(batch: torch.Tensor | None = None, seed: int = 0, **options: object) -> dict[str, tuple[float, list]]:
    """Each name's loss and the gradients of its parameters, of one step of the same networks and draws."""
    torch.manual_seed(1)
    objective = DCGANObjective(TINY, DCGANOptions(**options))
    nets = objective.networks()
    pictures = torch.rand(6, 1, 8, 8) if batch is None else batch
    found = {}
    given = Batch(pictures, pictures, epoch=1.0)
    for name, loss, logs in objective.losses(nets, given, torch.Generator().manual_seed(seed)):
        gradients = torch.autograd.grad(loss, list(nets[name].parameters()), retain_graph=True)
        found[name] = (float(loss.detach()), [float(g.norm()) for g in gradients])
        assert {"accuracy_real", "accuracy_fake"} <= logs.keys() or "diversity" in logs
    assert list(found) == ["discriminator", "generator"]
    return found


BOTH, FIRST, SECOND = ("discriminator", "generator"), ("discriminator",), ("generator",)


@pytest.mark.parametrize(
    ("options", "reached"),
    [
        ({"loss": "minimax"}, SECOND),
        ({"loss": "hinge"}, BOTH),
        ({"loss": "relativistic"}, BOTH),
        ({"r1": 5.0}, FIRST),
        ({"r2": 5.0}, FIRST),
        ({"spectral_norm": True}, BOTH),
        ({"hidden": 8}, BOTH),
        ({"augment": ("cutout",)}, BOTH),
        ({"dropout": 0.5}, BOTH),
        ({"instance_noise": 0.3}, BOTH),
        ({"mode_seeking": 1.0}, SECOND),
        ({"entropy": 0.5}, SECOND),
    ],
)
def test_each_option_changes_the_sub_networks_it_is_for(options: dict[str, object], reached: tuple[str, ...]) -> None:
    plain, changed = moves(), moves(**options)
    for name in BOTH:
        different = changed[name][1] != pytest.approx(plain[name][1], rel=1e-4)
        assert different == (name in reached), name
        assert math.isfinite(changed[name][0])


def test_lazy_r1_is_rarer_and_as_many_times_stronger() -> None:
    plain = moves()["discriminator"][0]
    every = moves(r1=1.0)["discriminator"][0] - plain
    lazy = [moves(r1=1.0, r1_interval=4, seed=seed)["discriminator"][0] for seed in range(16)]
    without = [moves(seed=seed)["discriminator"][0] for seed in range(16)]
    extra = np.array(lazy) - np.array(without)
    taken = extra > 1e-6
    assert 1 <= taken.sum() <= 9
    assert extra[taken].mean() == pytest.approx(4 * every, rel=0.05)


def test_one_step_draws_its_fakes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    forward = Generator.forward
    monkeypatch.setattr(Generator, "forward", lambda self, z: calls.append(len(z)) or forward(self, z))
    moves()
    assert calls == [6]


def test_a_discriminator_that_has_won_stops_the_run() -> None:
    objective = DCGANObjective(TINY, DCGANOptions(patience=3))
    sure = torch.full((8,), 9.0)
    nets = {"generator": Generator(TINY), "discriminator": lambda x: torch.cat([sure, -sure])[: len(x)]}
    batch = Batch(torch.rand(8, 1, 8, 8), torch.rand(8, 1, 8, 8), epoch=1.0)
    rng = torch.Generator().manual_seed(0)
    for _ in range(2):
        next(objective.losses(nets, batch, rng))
    with pytest.raises(TrainingError, match=r"has won: in 3 steps.*lower optimizer\.discriminator\.lr"):
        next(objective.losses(nets, batch, rng))


@pytest.mark.parametrize("tag", ["mnist", "faces", "cifar10"])
def test_the_plain_recipe_has_no_remedy_and_as_many_steps(tag: str, registry: Registry) -> None:
    ours, plain = (read_recipe(find_recipe(f"dcgan.{name}", registry)) for name in (tag, f"{tag}-plain"))
    assert ours.data == plain.data
    lengths = [(table.epochs, table.batch, table.samples_per_epoch) for table in (ours.train, plain.train)]
    assert lengths[0] == lengths[1]
    options = build_objective(plain, registry).options
    assert options == DCGANOptions(dropout=0.4, features=options.features)
    assert plain.train.ema == 0
    assert plain.train.keep_best is None
    remedied = build_objective(ours, registry).options
    assert remedied.features == options.features
    assert remedied.r1 > 0
    assert ours.train.ema > 0.9
    assert ours.train.keep_best == "score"
    assert remedied.least_recall > 0
