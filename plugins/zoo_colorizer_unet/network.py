"""A U-Net (Ronneberger et al. 2015) from gray to probabilities of colours, its encoder a backbone of timm."""

from __future__ import annotations

from typing import Any, Protocol

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from zoo_colorizer.lab import lab_to_rgb, lightness
from zoo_colorizer_unet.bins import in_gamut

FINEST = 4
# In standard deviations.
FARTHEST = 3.0


class Settings(Protocol):
    """What the network asks of its configuration."""

    @property
    def backbone(self) -> str:
        """timm's name of the encoder."""

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Channels of the decoder, from the coarsest size to the finest."""

    @property
    def mean(self) -> tuple[float, float, float]:
        """What is taken from the encoder's pictures."""

    @property
    def std(self) -> tuple[float, float, float]:
        """What they are divided by after that."""

    @property
    def temperature(self) -> float:
        """Divides the logarithms of probabilities before the mean colour is taken."""

    @property
    def chroma_scale(self) -> float:
        """Factor on a and b at use."""


class ColorizerUNet(nn.Module):
    """Tells for each pixel of a quarter of the size how likely each colour is; the mean colour is the answer."""

    bins: Tensor
    mean: Tensor
    std: Tensor
    encoder: Any

    def __init__(self, config: Settings) -> None:
        super().__init__()
        self.temperature, self.chroma_scale = config.temperature, config.chroma_scale
        # Settings, not weights: they are in the configuration.
        for name, values in (("mean", config.mean), ("std", config.std)):
            self.register_buffer(name, torch.tensor(values)[:, None, None], persistent=False)
        self.register_buffer("bins", in_gamut())
        self.encoder = timm.create_model(config.backbone, pretrained=False, features_only=True)
        facts = zip(self.encoder.feature_info.channels(), self.encoder.feature_info.reduction(), strict=True)
        levels = [(channels, step) for channels, step in facts if step >= FINEST]
        if [step for _, step in levels] != [FINEST * 2**k for k in range(len(config.widths))]:
            raise ValueError(f"{config.backbone} has features at 1/{[s for _, s in levels]}; 1/4 to 1/32 are wanted")
        deepest = levels[-1][0]
        wide, *narrower = config.widths
        self.middle = _conv(deepest, wide, 1)
        self.context = nn.Linear(deepest, wide)
        skips = [channels for channels, _ in reversed(levels[:-1])]
        before = config.widths[:-1]
        self.joins = nn.ModuleList(Join(b, s, w) for b, s, w in zip(before, skips, narrower, strict=True))
        self.answer = nn.Conv2d(narrower[-1], len(self.bins), 1)

    def train(self, mode: bool = True) -> ColorizerUNet:
        """As usual, but the encoder keeps the running statistics of its pretraining."""
        super().train(mode)
        self.encoder.eval()
        return self

    def features(self, gray: Tensor) -> list[Tensor]:
        """The encoder's features of gray (N, 1, H, W) in [0, 1], at 1/4 to 1/32 of the size."""
        found: list[Tensor] = self.encoder((gray.expand(-1, 3, -1, -1) - self.mean) / self.std)
        return found[-len(self.joins) - 1 :]

    def decode_features(self, features: list[Tensor]) -> Tensor:
        """Features to logits of the bins, (N, Q, H / 4, W / 4)."""
        *skips, deepest = features
        context = self.context(deepest.mean(dim=(2, 3)))[:, :, None, None]
        x = self.middle(deepest) + context
        for join, skip in zip(self.joins, reversed(skips), strict=True):
            x = join(x, skip)
        logits: Tensor = self.answer(x)
        return logits

    def forward(self, gray: Tensor, learn_encoder: bool = True) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to logits of the bins, (N, Q, H / 4, W / 4); H and W multiples of 32."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and learn_encoder):
            features = self.features(gray)
        return self.decode_features(features)

    def mean_color(self, logits: Tensor, temperature: float) -> Tensor:
        """The annealed mean of equation 5: a and b (N, 2, h, w)."""
        shares = (logits / temperature).softmax(dim=1)
        return functional.conv2d(shares, self.bins.T[:, :, None, None])

    def translate(self, gray: Tensor) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to sRGB (N, 3, H, W), of the same lightness where sRGB has the colour."""
        return self._painted(gray, self.forward(gray))

    def candidates(self, picture: Tensor) -> Tensor:
        """Gray and two planes of standard normal noise, (N, 3, H, W), to sRGB (N, 3, H, W): one likely colouring.

        Where the network is sure of a colour, the noise changes next to nothing. The distribution of the colours is
        tilted by exp(z . (c - m) / s) for noise z, with m and s its mean and standard deviation in a and in b: of a
        Gaussian, the mean then moves by z s, which makes it a draw; of one with several peaks, one is chosen.
        """
        gray, noise = picture[:, :1], functional.avg_pool2d(picture[:, 1:], FINEST)
        logits = self.forward(gray)
        shares = logits.softmax(dim=1)
        for axis in range(2):
            colours = self.bins[:, axis].view(1, -1, 1, 1)
            mean = (shares * colours).sum(dim=1, keepdim=True)
            spread = ((shares * (colours - mean).square()).sum(dim=1, keepdim=True) + 1.0).sqrt()
            # A colour far from all that is likely gets no more than one at three deviations.
            reach = FARTHEST * ((colours - mean) / (FARTHEST * spread)).tanh()
            logits = logits + noise[:, axis : axis + 1] * reach
        return self._painted(gray, logits)

    def _painted(self, gray: Tensor, logits: Tensor) -> Tensor:
        ab = self.mean_color(logits, self.temperature) * self.chroma_scale
        ab = functional.interpolate(ab, scale_factor=float(FINEST), mode="bilinear", align_corners=False)
        return lab_to_rgb(torch.cat([lightness(gray), ab], dim=1))


class Join(nn.Module):
    """Twice the size, joined with the encoder's features of that size."""

    def __init__(self, below: int, skip: int, width: int) -> None:
        super().__init__()
        # The finest sizes cost most: there the joined channels are made few before they are convolved.
        joined = width if below + skip > 2 * width else below + skip
        self.reduce = _conv(below + skip, joined, 1) if joined < below + skip else nn.Identity()
        self.layers = nn.Sequential(_conv(joined, width, 3), _conv(width, width, 3))

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """Enlarge by nearest neighbours, which leaves no checkerboard, and convolve."""
        x = torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), skip], dim=1)
        made: Tensor = self.layers(self.reduce(x))
        return made


def _conv(inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))
