"""The dense and convolutional VAEs: the reports' layers and counts, and their objective."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
import torch
from torch import Tensor, nn

from zoo.catalog import Latent
from zoo.catalog.families import configured
from zoo.catalog.registry import Registry, load_object
from zoo.errors import TrainingError, UsageError
from zoo.training.objective import Batch
from zoo.training.vae import VAEObjective, VAEOptions, divergences
from zoo_conv_vae.config import ConvVAEConfig
from zoo_conv_vae.network import ConvVAE
from zoo_conv_vae.objective import ConvVAEObjective
from zoo_dense_vae.config import DenseVAEConfig
from zoo_dense_vae.network import DenseVAE

# (layer, learned parameters, running statistics) of the 32x32 face VAE, as the report's table lists them.
REECHO_ENCODER = [
    ("conv 3x3", 896, 64), ("conv 3x3 s2", 18_496, 128), ("conv 3x3 s2", 36_928, 128), ("conv 3x3", 36_928, 128),
    ("dense mean", 4_195_328, 0), ("dense log-variance", 4_195_328, 0),
]  # fmt: skip
REECHO_DECODER = [
    ("dense", 4_198_400, 0), ("transposed 3x3", 36_928, 128), ("transposed 3x3 s2", 36_928, 128),
    ("transposed 3x3 s2", 36_928, 128), ("transposed 3x3", 1_731, 0),
]  # fmt: skip
WEIGHTED = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


def preset(name: str, **changes: object) -> ConvVAEConfig:
    return configured(Registry.discover().family("conv-vae"), changes, name)


def counts(*parts: nn.Module) -> Iterator[tuple[int, int]]:
    """(weights of a layer, running statistics of the norm after it), in order."""
    layers = [m for part in parts for m in part.modules() if isinstance(m, (*WEIGHTED, nn.BatchNorm2d))]
    for place, layer in enumerate(layers):
        if isinstance(layer, WEIGHTED):
            norm = layers[place + 1] if place + 1 < len(layers) else None
            running = 2 * norm.num_features if isinstance(norm, nn.BatchNorm2d) else 0
            yield sum(p.numel() for p in layer.parameters()), running


def learned(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def running(network: nn.Module) -> int:
    return sum(b.numel() for b in network.buffers() if b.is_floating_point())


def test_the_layers_of_reecho_are_those_of_the_report() -> None:
    with torch.device("meta"):
        network = ConvVAE(preset("reecho"))
    encoder = list(counts(network.encoder, network.mean, network.log_variance))
    decoder = list(counts(network.decoder))
    assert encoder == [(weights, statistics) for _, weights, statistics in REECHO_ENCODER]
    assert decoder == [(weights, statistics) for _, weights, statistics in REECHO_DECODER]
    # The report counts a norm's two running statistics with its scale and shift: 8,484,800 and 4,311,683.
    statistics = [running(network.encoder), running(network.decoder)]
    norms = [sum(s for *_, s in table) for table in (REECHO_ENCODER, REECHO_DECODER)]
    assert statistics == norms == [448, 384]
    assert sum(w for _, w, _ in REECHO_ENCODER) + 2 * 448 == 8_484_800
    assert sum(w for _, w, _ in REECHO_DECODER) + 2 * 384 == 4_311_683
    assert learned(network) == 12_795_651
    assert learned(network) + running(network) == 12_796_483


def test_reecho_has_its_norm_after_the_activation() -> None:
    with torch.device("meta"):
        network = ConvVAE(preset("reecho"))
    kinds = [type(module).__name__ for module in network.encoder][:3]
    assert kinds == ["Conv2d", "ReLU", "BatchNorm2d"]


def test_faces128_adds_up() -> None:
    with torch.device("meta"):
        network = ConvVAE(preset("faces128"))
    convolutions = 3 * 32 * 9 + 32 + 32 * 64 * 9 + 64 + 2 * (64 * 64 * 9 + 64)
    norms = 2 * (32 + 64 + 64 + 64)
    flat = 8 * 8 * 64
    heads = 2 * (flat * 200 + 200)
    back = 200 * flat + flat + 2 * (64 * 64 * 9 + 64) + (64 * 32 * 9 + 32) + (32 * 3 * 9 + 3)
    back_norms = 2 * (64 + 64 + 32)
    assert learned(network) == convolutions + norms + heads + back + back_norms
    assert running(network) == norms + back_norms
    kinds = [type(module).__name__ for module in network.encoder]
    assert kinds == ["Conv2d", "LeakyReLU", "BatchNorm2d"] * 4 + ["Flatten"]
    transposed = [m for m in network.decoder if isinstance(m, nn.ConvTranspose2d)]
    assert [m.stride for m in transposed] == [(2, 2)] * 4


def test_the_dense_vae_has_three_layers_each_way() -> None:
    with torch.device("meta"):
        network = DenseVAE(DenseVAEConfig())
    encoder = [m for m in network.encoder if isinstance(m, nn.Linear)]
    decoder = [m for m in network.decoder if isinstance(m, nn.Linear)]
    assert [(m.in_features, m.out_features) for m in encoder] == [(784, 512), (512, 256)]
    assert (network.mean.in_features, network.mean.out_features) == (256, 20)
    assert [(m.in_features, m.out_features) for m in decoder] == [(20, 256), (256, 512), (512, 784)]
    there = 784 * 512 + 512 + 512 * 256 + 256 + 2 * (256 * 20 + 20)
    back = 20 * 256 + 256 + 256 * 512 + 512 + 512 * 784 + 784
    assert learned(network) == there + back == 1_082_680


@pytest.mark.parametrize("name", ["reecho", "faces128", "mnist-2d", "scenes"])
def test_a_preset_comes_back_to_its_own_size(name: str) -> None:
    config = preset(name)
    network = ConvVAE(config).eval()
    picture = torch.rand(1, config.channels, config.size, config.size)
    with torch.no_grad():
        mean, log_variance = network.encode(picture)
        made = network.translate(picture)
    assert mean.shape == log_variance.shape == (1, config.latent)
    assert made.shape == picture.shape
    assert 0 <= made.min() <= made.max() <= 1


def test_scenes_refuse_a_size_that_does_not_fit() -> None:
    assert preset("scenes", size=512).encoded_side == 8
    with pytest.raises(UsageError, match="must be a multiple of the encoder's 64"):
        preset("scenes", size=250)


def test_a_model_of_gray_pictures_answers_in_colour() -> None:
    config = preset("reecho", input_channels=1, latent=4)
    made = ConvVAE(config).eval().translate(torch.rand(2, 1, 32, 32))
    assert made.shape == (2, 3, 32, 32)
    assert config.interface().takes("translate").channels == 1


@pytest.mark.parametrize(
    ("reconstruction", "expected"),
    [
        ("mae", lambda p, x: (p - x).abs().mean(dim=(1, 2, 3))),
        ("mse", lambda p, x: (p - x).square().mean(dim=(1, 2, 3))),
        ("rmse", lambda p, x: (p - x).square().mean(dim=(1, 2, 3)).sqrt()),
        ("bce", lambda p, x: -(x * p.log() + (1 - x) * (1 - p).log()).mean(dim=(1, 2, 3))),
    ],
)
def test_the_error_is_that_of_each_picture(reconstruction: str, expected: object) -> None:
    objective = ConvVAEObjective(preset("reecho"), msgspec.convert({"reconstruction": reconstruction}, VAEOptions))
    torch.manual_seed(0)
    logits, target = torch.randn(3, 3, 8, 8), torch.rand(3, 3, 8, 8)
    wanted = expected(logits.sigmoid(), target)  # type: ignore[operator]
    torch.testing.assert_close(objective.error(logits, target), wanted, rtol=1e-4, atol=1e-6)


def test_a_focus_weighs_errors_by_place_and_keeps_their_mean() -> None:
    table = {"center": [0.5, 0.75], "spread": 0.1, "strength": 9.0}
    options = msgspec.convert({"reconstruction": "mse", "focus": table}, VAEOptions)
    assert options.focus is not None
    counts = options.focus.weights(20, 40)
    assert counts.shape == (20, 40)
    assert float(counts.mean()) == pytest.approx(1.0, rel=1e-5)
    assert float(counts[14:16, 19:21].mean() / counts[0, 0]) == pytest.approx(10.0, rel=0.1)
    objective = ConvVAEObjective(preset("reecho"), options)
    off = torch.full((1, 3, 8, 8), 10.0)
    at_focus, in_corner = torch.ones(2, 1, 3, 8, 8)
    at_focus[..., 5:7, 3:5], in_corner[..., :2, :2] = 0.0, 0.0
    assert float(objective.error(off, at_focus)) > 5 * float(objective.error(off, in_corner))


def test_the_divergence_is_that_of_two_normals() -> None:
    mean, deviation = torch.tensor([0.5, -1.0]), torch.tensor([0.3, 2.0])
    posterior = torch.distributions.Normal(mean, deviation)
    wanted = torch.distributions.kl_divergence(posterior, torch.distributions.Normal(0.0, 1.0))
    torch.testing.assert_close(divergences(mean, 2 * deviation.log()), wanted)


def test_the_loss_is_alpha_times_error_plus_the_warmed_kl() -> None:
    options = VAEOptions(reconstruction="mse", alpha=50.0, kl_weight=0.5, warmup_epochs=4)
    objective = ConvVAEObjective(preset("mnist-2d"), options)
    nets = objective.networks()
    batch = Batch(torch.rand(4, 1, 28, 28), torch.rand(4, 1, 28, 28), epoch=1.0)
    ((name, loss, logs),) = objective.losses(nets, batch, torch.Generator().manual_seed(0))
    assert name == "model"
    assert logs["kl_weight"] == pytest.approx(0.5 / 4)
    assert float(loss.detach()) == pytest.approx(50.0 * float(logs["error"]) + 0.125 * float(logs["kl"]), rel=1e-5)


def test_without_alpha_the_bernoulli_error_counts_in_nats() -> None:
    objective = ConvVAEObjective(preset("mnist-2d"), VAEOptions(reconstruction="bce"))
    assert objective.alpha(torch.rand(2, 1, 28, 28)) == 784.0


@pytest.mark.parametrize(
    ("options", "epoch", "share"),
    [
        (VAEOptions(), 0.0, 1.0),
        (VAEOptions(warmup_epochs=10), 5.0, 0.5),
        (VAEOptions(warmup_epochs=10), 25.0, 1.0),
        (VAEOptions(warmup_epochs=10), math.inf, 1.0),
        (VAEOptions(warmup_epochs=10, warmup="cyclical"), 12.5, 0.5),
        (VAEOptions(warmup_epochs=10, warmup="cyclical"), 17.0, 1.0),
    ],
)
def test_the_weight_of_the_divergence_rises(options: VAEOptions, epoch: float, share: float) -> None:
    assert ConvVAEObjective(preset("mnist-2d"), options).warmed(epoch) == pytest.approx(share)


def test_free_bits_are_not_charged() -> None:
    free, charged = (
        ConvVAEObjective(preset("mnist-2d"), VAEOptions(reconstruction="mse", alpha=1e-9, free_bits=bits))
        for bits in (5.0, 0.0)
    )
    nets = free.networks()
    batch = Batch(torch.rand(4, 1, 28, 28), torch.rand(4, 1, 28, 28))
    with_bits, without = (
        float(next(objective.losses(nets, batch, torch.Generator().manual_seed(0)))[1].detach())
        for objective in (free, charged)
    )
    assert with_bits == pytest.approx(2 * 5.0, rel=1e-4)
    assert without < 5.0


class Dead(nn.Module):
    """Ignores its input: `answer` is what it makes of any latent."""

    def __init__(self, answer: float, mean: float) -> None:
        super().__init__()
        self.answer, self.mean = nn.Parameter(torch.tensor(answer)), mean

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return torch.full((len(x), 2), self.mean), torch.zeros(len(x), 2)

    def decode(self, z: Tensor) -> Tensor:
        return self.answer + torch.rand(len(z), 1, 28, 28) * (0.5 if self.mean == 0 else 0.0)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (Dead(0.0, 1.0), r"every answer is the same picture \(mean level 0.00\): lower optimizer.model.lr"),
        (Dead(0.2, 0.0), "the posterior has collapsed.*free_bits"),
    ],
)
def test_what_can_not_become_good_stops_at_the_second_look(network: Dead, message: str) -> None:
    objective: VAEObjective[ConvVAEConfig] = ConvVAEObjective(preset("mnist-2d"), VAEOptions(reconstruction="bce"))
    batches = [Batch(torch.rand(4, 1, 28, 28), torch.rand(4, 1, 28, 28))]
    objective.evaluate(network, batches)
    with pytest.raises(TrainingError, match=message):
        objective.evaluate(network, batches)


def test_numbers_that_are_not_finite_stop_at_once() -> None:
    objective = ConvVAEObjective(preset("mnist-2d"), VAEOptions(reconstruction="bce"))
    with pytest.raises(TrainingError, match="not finite"):
        objective.evaluate(Dead(0.2, math.nan), [Batch(torch.rand(4, 1, 28, 28), torch.rand(4, 1, 28, 28))])


@pytest.mark.parametrize("family", ["dense-vae", "conv-vae"])
def test_an_evaluation_shows_reconstructions_and_draws(family: str, registry: Registry) -> None:
    known = registry.family(family)
    config = configured(known, {}, "mnist-2d" if family == "conv-vae" else None)
    objective = load_object(known.objective)(config, VAEOptions(reconstruction="bce"))
    pictures = torch.rand(10, 1, 28, 28)
    evaluation = objective.evaluate(objective.networks()["model"].eval(), [Batch(pictures, pictures)])
    assert set(evaluation.figures) == {"psnr", "kl", "active_units", "score"}
    assert evaluation.samples.shape == (3, 3 * 28, (8 + 4) * 28)


def spatial(**changes: Any) -> ConvVAEConfig:
    """Pictures of 16x16 on three channels at each of 4x4 places."""
    layers = {"encoder": (8, 8), "encoder_strides": (2, 2), "decoder": (8, 8), "decoder_strides": (2, 2)}
    return ConvVAEConfig(**{"size": 16, "latent": 3, "spatial": True, "norm": "none", **layers, **changes})


def test_a_spatial_latent_keeps_where_things_are() -> None:
    network = ConvVAE(spatial(kernel=3)).eval()
    picture = torch.rand(1, 3, 16, 16)
    other = picture.clone()
    other[:, :, :4, :4] = 1 - other[:, :, :4, :4]
    with torch.no_grad():
        moved = (network.encode(picture)[0] - network.encode(other)[0]).abs().amax(dim=(0, 1))
        assert network.translate(picture).shape == picture.shape
    assert moved.shape == (4, 4)
    assert moved[0, 0] > 0
    assert moved[:, 3].max() == moved[3].max() == 0


def test_a_spatial_latent_trains_and_is_evaluated() -> None:
    config = spatial()
    assert config.interface().latent == Latent((3, 4, 4))
    objective = ConvVAEObjective(config, VAEOptions(reconstruction="mse", alpha=100.0))
    nets = objective.networks()
    batch = Batch(torch.rand(2, 3, 16, 16), torch.rand(2, 3, 16, 16))
    ((_, loss, logs),) = objective.losses(nets, batch, torch.Generator().manual_seed(0))
    assert torch.isclose(loss, 100.0 * torch.as_tensor(logs["error"]) + logs["kl"])
    figures = objective.evaluate(nets["model"].eval(), [batch]).figures
    assert figures["active_units"] <= 3 * 4 * 4


@pytest.mark.parametrize("changes", [{"hidden": 8}, {"decoder": (8,), "decoder_strides": (2,)}])
def test_a_spatial_latent_needs_alike_halves(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="hidden = 0 and a decoder that enlarges as the encoder reduces"):
        spatial(**changes)
