"""Choosing the settings of a colorizer that act at use, such as how strong its colours are, on held-out photos."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized

import torch
from torch import Tensor
from torch.nn import functional

from zoo.training.objective import Batch, Evaluation
from zoo_colorizer.lab import lab_to_rgb, lightness, rgb_to_lab

SHEET_ROWS = 8
# Decibels that one unit of chroma missing from the floor costs.
MISSING = 10.0


def choose(
    settings: Sequence[Mapping[str, float]],
    answers: Callable[[Batch], Iterable[Tensor]],
    batches: Iterable[Batch],
    floor: float,
) -> Evaluation:
    """The best of several settings: PSNR gain over gray, share of photos that gain, median chroma over the true one.

    `answers` gives a and b (N, 2, H, W) of a batch for each setting in turn. The best setting has the greatest mean
    gain among those whose median chroma is at least `floor`; where none is, it is the boldest. `score` is that gain,
    less 10 dB for each unit of chroma missing from the floor. Everything is measured on pictures of half the height and
    width: there are many settings, and colours are smooth.
    """
    gains: list[Tensor] = []
    chromas: list[Tensor] = []
    sheet: list[tuple[Tensor, list[Tensor], Tensor]] = []
    every = max(1, _count(batches) // SHEET_ROWS)
    for number, batch in enumerate(batches):
        gray, target = (functional.avg_pool2d(picture, 2) for picture in (batch.input, batch.target))
        light = lightness(gray)
        true = _chroma(rgb_to_lab(target)[:, 1:]).clamp(min=1e-3)
        base = _psnr(gray.expand_as(target), target)
        gained, chroma, shown = [], [], []
        for answer in answers(batch):
            ab = functional.interpolate(answer, target.shape[2:], mode="area")
            rgb = lab_to_rgb(torch.cat([light, ab], dim=1))
            gained.append(_psnr(rgb, target) - base)
            chroma.append(_chroma(ab) / true)
            shown.append(rgb[0])
        gains.append(torch.stack(gained, dim=1))
        chromas.append(torch.stack(chroma, dim=1))
        if number % every == 0 and len(sheet) < SHEET_ROWS:
            sheet.append((gray[0].expand_as(target[0]), shown, target[0]))
    gain, strength = torch.cat(gains), torch.cat(chromas).median(dim=0).values
    best = _best(gain.mean(dim=0), strength, floor)
    figures = {
        "score": float(gain[:, best].mean()) - MISSING * max(0.0, floor - float(strength[best])),
        "psnr_gain": float(gain[:, best].mean()),
        "psnr_gain_free": float(gain.mean(dim=0).max()),
        "gaining": float((gain[:, best] > 0).float().mean()),
        "chroma": float(strength[best]),
        **settings[best],
    }
    rows = [torch.cat([given, shown[best], true], dim=2) for given, shown, true in sheet]
    return Evaluation(figures, dict(settings[best]), torch.cat(rows, dim=1))


def _best(gain: Tensor, strength: Tensor, floor: float) -> int:
    reaches: list[int] = (strength >= floor).nonzero()[:, 0].tolist() or [int(strength.argmax())]
    return max(reaches, key=lambda place: float(gain[place]))


def _count(batches: Iterable[Batch]) -> int:
    return len(batches) if isinstance(batches, Sized) else 0


def _psnr(rgb: Tensor, target: Tensor) -> Tensor:
    """PSNR in dB of each picture of a batch."""
    return -10.0 * (rgb - target).square().mean(dim=(1, 2, 3)).clamp(min=1e-10).log10()


def _chroma(ab: Tensor) -> Tensor:
    """Mean chroma of each picture, in units of a and b."""
    chroma: Tensor = ab.norm(dim=1)
    return chroma.mean(dim=(1, 2))
