"""Figures of one picture, and of a set of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from zoo.arrays import Doubles, Pixels
from zoo.pictures.color import gray_of, join, lightness, rgb_to_lab

# Equal pictures count as so many dB, so that a mean stays finite.
BEST_PSNR = 100.0


def psnr(made: Pixels, true: Pixels) -> float:
    """Peak signal-to-noise ratio in dB, at most 100, of two uint8 pictures (C, H, W), over all channels."""
    return min(BEST_PSNR, float(peak_signal_noise_ratio(_tensor(made), _tensor(true), data_range=1.0)))


def ssim(made: Pixels, true: Pixels) -> float:
    """Structural similarity of two uint8 pictures (C, H, W), mean over channels (Wang et al. 2004)."""
    return float(
        torch.as_tensor(structural_similarity_index_measure(_tensor(made)[None], _tensor(true)[None], data_range=1.0))
    )


def psnrs(made: Pixels, true: Pixels) -> Doubles:
    """PSNR in dB, at most 100, of each of several uint8 pictures (N, C, H, W), or of one answer (C, H, W) to all."""
    made = np.broadcast_to(made, true.shape)
    error = [np.mean((one.astype(np.float64) - other) ** 2) / 255.0**2 for one, other in zip(made, true, strict=True)]
    return -10.0 * np.log10(np.maximum(error, 1e-10))


def ssims(made: Pixels, true: Pixels) -> Doubles:
    """Structural similarity of each of several uint8 pictures (N, C, H, W), or of one answer (C, H, W) to all."""
    return np.array([ssim(one, other) for one, other in zip(np.broadcast_to(made, true.shape), true, strict=True)])


def colourfulness(picture: Pixels) -> float:
    """Colourfulness M3 of a uint8 RGB picture (3, H, W): 0 for gray, about 60 for a colourful photo.

    Hasler and Süsstrunk (2003): sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2), rg = R - G, yb = (R + G) / 2 - B.
    """
    red, green, blue = picture.astype(np.float32)
    rg, yb = red - green, (red + green) / 2 - blue
    return float(np.hypot(rg.std(), yb.std()) + 0.3 * np.hypot(rg.mean(), yb.mean()))


def colour(picture: Pixels) -> tuple[float, float, float]:
    """Mean a, mean b and mean chroma sqrt(a^2 + b^2) of a uint8 RGB picture (3, H, W) in CIE Lab."""
    lab = rgb_to_lab(picture.transpose(1, 2, 0))
    a, b = lab[..., 1], lab[..., 2]
    return float(a.mean()), float(b.mean()), float(np.hypot(a, b).mean())


def tinted(picture: Pixels, ab: NDArray[np.floating]) -> Pixels:
    """The lightness of a uint8 picture (1 or 3, H, W) with one a and b all over: what knows nothing of the picture."""
    gray = picture[0] if len(picture) == 1 else gray_of(picture[None])[0, 0]
    light = lightness(gray)
    rgb = np.empty((3, *gray.shape), np.uint8)
    join(light, np.full_like(light, ab[0]), np.full_like(light, ab[1]), rgb)
    return rgb


@dataclass(frozen=True)
class Summary:
    """A figure over a set, with its standard error."""

    value: float
    stderr: float


def mean(values: Doubles) -> Summary:
    """Mean, and the standard deviation over the root of n."""
    return Summary(float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0)


def median(values: Doubles) -> Summary:
    """Median, and the standard deviation of the medians of 2,000 bootstrap samples (fixed seed)."""
    rng = np.random.default_rng(0)
    draws = values[rng.integers(0, len(values), (2000, len(values)))]
    return Summary(float(np.median(values)), float(np.median(draws, axis=1).std()))


def _tensor(pixels: Pixels) -> torch.Tensor:
    return torch.from_numpy(pixels.astype(np.float32)) / 255.0
