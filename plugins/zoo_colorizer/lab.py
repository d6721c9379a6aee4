"""CIE Lab and sRGB in PyTorch, in operators that a graph may hold."""

from __future__ import annotations

import torch
from torch import Tensor

# sRGB primaries and the D65 white point (IEC 61966-2-1); rows give X, Y, Z of linear R, G, B.
RGB_TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
XYZ_TO_RGB = torch.linalg.inv(torch.tensor(RGB_TO_XYZ, dtype=torch.float64)).tolist()
WHITE = (0.95047, 1.0, 1.08883)


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
