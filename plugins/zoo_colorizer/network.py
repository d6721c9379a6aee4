"""A convolutional autoencoder from lightness to colour."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

# sRGB primaries and the D65 white point (IEC 61966-2-1); rows give X, Y, Z of linear R, G, B.
RGB_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
XYZ_TO_RGB = torch.linalg.inv(torch.tensor(RGB_TO_XYZ, dtype=torch.float64)).tolist()
WHITE = (0.95047, 1.0, 1.08883)
CHROMA_RANGE = 128.0


class Settings(Protocol):
    """What the network asks of its configuration."""

    @property
    def channels(self) -> int:
        """Channels of the first layer."""

    @property
    def chroma_scale(self) -> float:
        """Factor on a and b at use."""

    @property
    def dropout(self) -> float:
        """Share of the widest layers' channels that training drops."""

    @property
    def padding(self) -> str:
        """Where strided layers are padded: "even" or "end"."""


class Colorizer(nn.Module):
    """Predicts a and b of CIE Lab from a gray picture.

    Eight 3x3 convolutions go down to an eighth of the size, five come back to half of it (a sixth, with tanh, gives a
    and b), and the answer is enlarged twofold. `translate` is the whole of it at use.
    """

    def __init__(self, config: Settings) -> None:
        super().__init__()
        c, end = config.channels, config.padding == "end"
        self.chroma_scale = config.chroma_scale
        self.encoder = nn.Sequential(
            *_conv(1, c, stride=2, end=end),
            *_conv(c, 2 * c),
            *_conv(2 * c, 2 * c, stride=2, end=end),
            *_conv(2 * c, 4 * c),
            *_conv(4 * c, 4 * c, stride=2, end=end),
            *_conv(4 * c, 8 * c),
            nn.Dropout2d(config.dropout),
            *_conv(8 * c, 8 * c),
            nn.Dropout2d(config.dropout),
        )
        self.decoder = nn.Sequential(
            *_conv(8 * c, 4 * c),
            *_conv(4 * c, 2 * c),
            nn.Upsample(scale_factor=2.0),
            *_conv(2 * c, c),
            nn.Upsample(scale_factor=2.0),
            *_conv(c, c // 2),
            *_conv(c // 2, c // 4),
        )
        answer = nn.Conv2d(c // 4, 2, 3, padding=1)
        self.apply(_initialise)
        nn.init.normal_(answer.weight, std=0.01)  # begin with one tint for all pictures
        self.decoder.extend([answer, nn.Tanh()])

    def forward(self, gray: Tensor) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to a and b over 128, (N, 2, H / 2, W / 2) in [-1, 1]; H and W multiples of 8."""
        ab: Tensor = self.decoder(self.encoder(lightness(gray) / 50.0 - 1.0))
        return ab

    def translate(self, gray: Tensor) -> Tensor:
        """Gray (N, 1, H, W) in [0, 1] to sRGB (N, 3, H, W), of the same lightness where sRGB has the colour."""
        ab = functional.interpolate(self.forward(gray), scale_factor=2.0, mode="bilinear", align_corners=False)
        return lab_to_rgb(torch.cat([lightness(gray), ab * (CHROMA_RANGE * self.chroma_scale)], dim=1))


def _initialise(module: nn.Module) -> None:
    """Weights of variance 2 / fan-in (He et al. 2015): with PyTorch's own, the picture fades out over 13 layers."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)


class EndConv2d(nn.Conv2d):
    """Padded by one pixel below and to the right only, as Keras pads a 3x3 convolution of stride 2."""

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, C', H / 2, W / 2), for even sizes."""
        return super().forward(functional.pad(x, (0, 1, 0, 1)))


def _conv(inputs: int, outputs: int, stride: int = 1, end: bool = False) -> tuple[nn.Module, nn.Module]:
    if end:
        return EndConv2d(inputs, outputs, 3, stride=stride), nn.ReLU()
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1), nn.ReLU()


def _linear(srgb: Tensor) -> Tensor:
    """Undo the transfer curve of sRGB (IEC 61966-2-1)."""
    return torch.where(srgb <= 0.04045, srgb / 12.92, ((srgb.clamp(min=0.04045) + 0.055) / 1.055) ** 2.4)


def _encoded(linear: Tensor) -> Tensor:
    """Apply the transfer curve of sRGB; `linear` is clamped to [0, 1] first."""
    linear = linear.clamp(0.0, 1.0)
    return torch.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055)


def _lab_curve(t: Tensor) -> Tensor:
    """The cube root of CIE 15, linear near black."""
    return torch.where(t > (6 / 29) ** 3, t.clamp(min=(6 / 29) ** 3) ** (1 / 3), t * (29 / 6) ** 2 / 3 + 4 / 29)


def _lab_curve_inverse(f: Tensor) -> Tensor:
    return torch.where(f > 6 / 29, f * f * f, (f - 4 / 29) * 3 * (6 / 29) ** 2)


def lightness(gray: Tensor) -> Tensor:
    """L* in [0, 100] of gray sRGB levels in [0, 1]; any shape."""
    return 116.0 * _lab_curve(_linear(gray)) - 16.0


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """SRGB (N, 3, H, W) in [0, 1] to CIE Lab under D65 (CIE 15): L in [0, 100], a and b in about [-128, 128]."""
    matrix = torch.tensor(RGB_TO_XYZ, dtype=rgb.dtype, device=rgb.device) / torch.tensor(
        WHITE, dtype=rgb.dtype, device=rgb.device
    ).unsqueeze(1)
    x, y, z = _lab_curve(torch.einsum("ij,njhw->nihw", matrix, _linear(rgb))).unbind(1)
    return torch.stack([116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """CIE Lab (N, 3, H, W) to sRGB in [0, 1]; colours that sRGB lacks are clamped."""
    light, a, b = lab[:, 0:1], lab[:, 1:2], lab[:, 2:3]
    y = (light + 16.0) / 116.0
    xyz = [_lab_curve_inverse(f) * white for f, white in zip((y + a / 500.0, y, y - b / 200.0), WHITE, strict=True)]
    linear = [red * xyz[0] + green * xyz[1] + blue * xyz[2] for red, green, blue in XYZ_TO_RGB]
    return _encoded(torch.cat(linear, dim=1))
