"""A convolutional variational autoencoder (Kingma and Welling 2014)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

# Bounds of the log-variance: wide enough for any picture, narrow enough that its exponential stays finite.
LOG_VARIANCE = (-20.0, 10.0)
NEGATIVE_SLOPE = 0.2
GROUPS = 8


class Settings(Protocol):
    """What the network asks of its configuration; `ConvVAEConfig` tells what each is."""

    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def latent(self) -> int: ...  # noqa: D102
    @property
    def spatial(self) -> bool: ...  # noqa: D102
    @property
    def hidden(self) -> int: ...  # noqa: D102
    @property
    def encoder(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def encoder_strides(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def decoder(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def decoder_strides(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def encoded_side(self) -> int: ...  # noqa: D102
    @property
    def decoded_side(self) -> int: ...  # noqa: D102
    @property
    def kernel(self) -> int: ...  # noqa: D102
    @property
    def activation(self) -> str: ...  # noqa: D102
    @property
    def norm(self) -> str: ...  # noqa: D102
    @property
    def order(self) -> str: ...  # noqa: D102
    @property
    def upsample(self) -> str: ...  # noqa: D102
    @property
    def padding(self) -> str: ...  # noqa: D102


class ConvVAE(nn.Module):
    """Pictures (N, C, H, W) in [0, 1] to latents and back: (N, latent), or (N, latent, h, w) if they are spatial."""

    def __init__(self, config: Settings) -> None:
        super().__init__()
        self.channels = config.channels
        self.encoder = nn.Sequential(*_encoder(config))
        self.mean = _to_latent(config)
        self.log_variance = _to_latent(config)
        self.decoder = nn.Sequential(*_decoder(config))
        self.apply(_initialise)
        nn.init.normal_(self.mean.weight, std=self.mean.weight[0].numel() ** -0.5)
        nn.init.zeros_(self.log_variance.weight)  # begin with the prior's variance for all pictures

    def forward(self, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """A training pass: mean, log-variance and the logits of the picture of z = mean + exp(log-variance / 2) noise.

        `noise` has the latents' shape, standard normal.
        """
        mean, log_variance = self.encode(x)
        return mean, log_variance, self.decode_logits(mean + (log_variance / 2).exp() * noise)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-variance of q(z | x), both as latents. A gray picture is repeated where colour is expected."""
        features = self.encoder(x.expand(-1, self.channels, -1, -1))
        return self.mean(features), self.log_variance(features).clamp(*LOG_VARIANCE)

    def decode(self, z: Tensor) -> Tensor:
        """Latents to pictures (N, C, H, W) in [0, 1]."""
        picture: Tensor = torch.sigmoid(self.decode_logits(z))
        return picture

    def decode_logits(self, z: Tensor) -> Tensor:
        """Pictures before the sigmoid: for a loss that is steadier there."""
        logits: Tensor = self.decoder(z)
        return logits

    def translate(self, x: Tensor) -> Tensor:
        """The model's job: the picture that the posterior's mean decodes to."""
        return self.decode(self.encode(x)[0])


class EndConv2d(nn.Conv2d):
    """A convolution padded as Keras' "same": the answer's size is that of the picture over the stride, and where the
    padding is odd, the odd pixel is below and to the right.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / stride, W / stride), the sizes multiples of the stride."""
        before, after = _same(self)
        return super().forward(functional.pad(x, (before, after, before, after)))


class EndConvTranspose2d(nn.ConvTranspose2d):
    """The transpose of `EndConv2d`, which enlarges: what that pads, this cuts off."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        """(N, C, H, W) to (N, C', H * stride, W * stride)."""
        made, (before, _) = super().forward(x, output_size), _same(self)
        height, width = (size * self.stride[0] + before for size in x.shape[2:])
        return made[:, :, before:height, before:width]


def _same(layer: nn.Conv2d | nn.ConvTranspose2d) -> tuple[int, int]:
    """The padding before and after that keeps the size, but for the stride."""
    padding = max(layer.kernel_size[0] - layer.stride[0], 0)
    return padding // 2, padding - padding // 2


def _encoder(config: Settings) -> Iterator[nn.Module]:
    inputs = config.channels
    for outputs, stride in zip(config.encoder, config.encoder_strides, strict=True):
        if config.padding == "end":
            convolution: nn.Module = EndConv2d(inputs, outputs, config.kernel, stride)
        else:
            convolution = nn.Conv2d(inputs, outputs, config.kernel, stride, padding=config.kernel // 2)
        yield from _block(config, convolution, outputs)
        inputs = outputs
    if not config.spatial:
        yield nn.Flatten()
    if config.hidden:
        yield nn.Linear(inputs * config.encoded_side**2, config.hidden)
        yield _activation(config)


def _to_latent(config: Settings) -> nn.Linear | nn.Conv2d:
    if config.spatial:
        return nn.Conv2d(config.encoder[-1], config.latent, 1)
    return nn.Linear(config.hidden or config.encoder[-1] * config.encoded_side**2, config.latent)


def _decoder(config: Settings) -> Iterator[nn.Module]:
    side, width = config.decoded_side, config.latent
    if config.hidden:
        yield nn.Linear(width, config.hidden)
        yield _activation(config)
        width = config.hidden
    if config.spatial:
        yield nn.Conv2d(width, config.decoder[0], 1)
    else:
        yield nn.Linear(width, config.decoder[0] * side**2)
        yield nn.Unflatten(1, (config.decoder[0], side, side))
    last = len(config.decoder) - 1
    outputs = (*config.decoder[1:], config.channels)
    for number, stride in enumerate(config.decoder_strides):
        enlarged = _enlarging(config, config.decoder[number], outputs[number], stride)
        if number == last:
            yield from enlarged
        else:
            *before, convolution = enlarged
            yield from before
            yield from _block(config, convolution, outputs[number])


def _enlarging(config: Settings, inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    """A convolution whose answer is `stride` times as large."""
    pad = config.kernel // 2
    if config.upsample == "transposed" and config.padding == "end":
        extra = max(stride - config.kernel, 0)  # a window smaller than the stride does not reach the end
        return [EndConvTranspose2d(inputs, outputs, config.kernel, stride, output_padding=extra)]
    if config.upsample == "transposed":
        return [nn.ConvTranspose2d(inputs, outputs, config.kernel, stride, padding=pad, output_padding=stride - 1)]
    convolution = nn.Conv2d(inputs, outputs, config.kernel, padding=pad)
    return [nn.Upsample(scale_factor=float(stride)), convolution] if stride > 1 else [convolution]


def _block(config: Settings, convolution: nn.Module, outputs: int) -> Iterator[nn.Module]:
    after = [_activation(config), *_norm(config, outputs)]
    yield convolution
    yield from after if config.order == "activation_norm" else reversed(after)


def _norm(config: Settings, width: int) -> Iterator[nn.Module]:
    if config.norm == "batch":
        yield nn.BatchNorm2d(width)
    elif config.norm == "group":
        yield nn.GroupNorm(GROUPS if width % GROUPS == 0 else 1, width)


def _activation(config: Settings) -> nn.Module:
    if config.activation == "leaky_relu":
        return nn.LeakyReLU(NEGATIVE_SLOPE)
    return nn.SiLU() if config.activation == "silu" else nn.ReLU()


def _initialise(module: nn.Module) -> None:
    """Weights of variance 2 / fan-in (He et al. 2015), biases of zero."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)
