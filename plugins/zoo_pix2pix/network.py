"""The networks of pix2pix (Isola et al. 2017, https://arxiv.org/abs/1611.07004): U-Net generator, PatchGAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo_pix2pix.config import Pix2PixConfig

LEAK = 0.2
# How many of the innermost decoder layers have dropout, as in the reference.
NOISY_LAYERS = 3


class UNet(nn.Module):
    """Halves the picture `depth` times and doubles it back; each decoder layer also sees the encoder's of its size.

    The innermost encoder layer has no norm: at a single pixel it would leave nothing. The reference's bias rule is
    kept: a convolution before batch norm has none.
    """

    def __init__(self, config: Pix2PixConfig) -> None:
        super().__init__()
        self.config = config
        widths = config.widths()
        inputs = [config.input_channels, *widths[:-1]]
        outputs = [config.output_channels, *widths[:-1]]
        innermost = config.depth - 1
        self.down = nn.ModuleList(
            _down(config, inputs[level], widths[level], norm=0 < level < innermost, first=level == 0)
            for level in range(config.depth)
        )
        noisy = range(max(1, innermost - NOISY_LAYERS), innermost)
        self.up = nn.ModuleList(
            _up(
                config,
                widths[level] * (1 if level == innermost else 2),
                outputs[level],
                last=level == 0,
                noisy=level in noisy,
            )
            for level in range(config.depth)
        )
        self.apply(_initialise)

    def forward(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) in [0, 1] to pictures in [-1, 1]; H and W multiples of 2 ** depth."""
        skips: list[Tensor] = []
        x = x * 2.0 - 1.0
        for layer in self.down:
            x = layer(x)
            skips.append(x)
        for level in reversed(range(len(skips))):
            x = self.up[level](x if level == len(skips) - 1 else torch.cat([skips[level], x], dim=1))
        return x.tanh()

    def translate(self, x: Tensor) -> Tensor:
        """Pictures (N, C, H, W) in [0, 1] to pictures (N, C', H, W) in [0, 1]."""
        made: Tensor = (self.forward(x) + 1.0) * 0.5
        return made


class PatchGAN(nn.Module):
    """Tells real from made, patch by patch: each value of the answer sees 70x70 pixels where `layers` is 3.

    It is given both pictures of a pair, one over the other in the channels.
    """

    def __init__(self, inputs: int, channels: int, layers: int, norm: str) -> None:
        super().__init__()
        widths = [channels * min(2**level, 8) for level in range(layers + 1)]
        found: list[nn.Module] = [nn.Conv2d(inputs, channels, 4, 2, 1), nn.LeakyReLU(LEAK)]
        for level in range(1, layers + 1):
            stride = 2 if level < layers else 1
            found.append(nn.Conv2d(widths[level - 1], widths[level], 4, stride, 1, bias=norm != "batch"))
            found += [_norm(norm, widths[level]), nn.LeakyReLU(LEAK)]
        self.layers = nn.Sequential(*found, nn.Conv2d(widths[-1], 1, 4, 1, 1))
        self.apply(_initialise)

    def forward(self, given: Tensor, picture: Tensor) -> Tensor:
        """Logits (N, 1, h, w) of being real, of pairs in [-1, 1] (N, C, H, W) and (N, C', H, W)."""
        logits: Tensor = self.layers(torch.cat([given, picture], dim=1))
        return logits


def _down(config: Pix2PixConfig, inputs: int, outputs: int, *, norm: bool, first: bool) -> nn.Sequential:
    """Half the size: activation, convolution, norm. The very first layer has the convolution alone."""
    bias = config.norm != "batch"
    layers: list[nn.Module] = [] if first else [nn.LeakyReLU(LEAK)]
    layers.append(nn.Conv2d(inputs, outputs, 4, 2, 1, bias=bias))
    if norm:
        layers.append(_norm(config.norm, outputs))
    return nn.Sequential(*layers)


def _up(config: Pix2PixConfig, inputs: int, outputs: int, *, last: bool, noisy: bool) -> nn.Sequential:
    """Twice the size: activation, convolution, norm, dropout. The last layer has no norm."""
    bias = last or config.norm != "batch"
    layers: list[nn.Module] = [nn.ReLU()]
    if config.upsample == "nearest":
        layers += [nn.Upsample(scale_factor=2, mode="nearest"), nn.Conv2d(inputs, outputs, 3, 1, 1, bias=bias)]
    else:
        layers.append(nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias))
    if not last:
        layers.append(_norm(config.norm, outputs))
    if noisy and config.dropout:
        layers.append(nn.Dropout(config.dropout))
    return nn.Sequential(*layers)


def _norm(kind: str, channels: int) -> nn.Module:
    return nn.BatchNorm2d(channels) if kind == "batch" else nn.InstanceNorm2d(channels, affine=True)


def _initialise(module: nn.Module) -> None:
    """Weights from a normal distribution of 0.02, as the paper; norms around 1."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, 0.0, 0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.BatchNorm2d | nn.InstanceNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)
