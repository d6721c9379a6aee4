"""Random changes to a target picture, by torchvision's transforms."""

from __future__ import annotations

import math

from torch import nn
from torchvision.transforms import InterpolationMode, v2

from zoo.training.recipe_pictures import AugmentTable


def augmentation(table: AugmentTable, size: int) -> nn.Sequential:
    """Changes to uint8 (C, H, W), which give (C, size, size); torch's global generator draws.

    Only a table that crops takes pictures of any size: the others take pictures of `size` squared.
    """
    steps: list[nn.Module] = []
    if table.crops:
        steps.append(v2.RandomResizedCrop(size, scale=table.crop, ratio=table.aspect, antialias=True))
    if table.moves:
        steps += _moves(table, size)
    if table.flip:
        steps.append(v2.RandomHorizontalFlip())
    if table.blur:
        blur = v2.GaussianBlur(2 * min(math.ceil(3 * table.blur[1]), size - 1) + 1, sigma=table.blur)
        steps.append(v2.RandomApply([blur], p=table.blur_share))
    return nn.Sequential(*steps)


def _moves(table: AugmentTable, size: int) -> list[nn.Module]:
    """Rotation, shift, shear and zoom as one affine map, of a picture that is continued outwards first."""
    pad = 0 if table.fill == "constant" else _margin(table, size)
    share = table.shift * size / (size + 2 * pad)
    affine = v2.RandomAffine(
        degrees=table.rotate,
        translate=(share, share),
        scale=table.zoom,
        shear=table.shear,
        interpolation=InterpolationMode.BILINEAR,
        fill=round(table.fill_value * 255),
    )
    if table.fill == "constant":
        return [affine]
    return [v2.Pad(pad, padding_mode=table.fill), affine, v2.CenterCrop(size)]


def _margin(table: AugmentTable, size: int) -> int:
    """How far outside the picture the moves may look, at most; reflection can't give more than the picture has."""
    turn = math.radians(min(table.rotate, 45.0))
    reach = (math.cos(turn) + math.sin(turn)) * (1.0 + math.tan(math.radians(table.shear))) / table.zoom[0]
    shift = table.shift * max(1.0, 1.0 / table.zoom[0])
    return min(size - 1, max(1, math.ceil(size * (max(reach - 1.0, 0.0) / 2 + shift)) + 1))
