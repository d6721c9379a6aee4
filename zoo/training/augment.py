"""Random changes to a target picture, by torchvision's transforms and OpenCV."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torchvision.transforms import v2

from zoo.arrays import Doubles
from zoo.recipes.pictures import AugmentTable

BORDERS = {"edge": cv2.BORDER_REPLICATE, "reflect": cv2.BORDER_REFLECT_101, "constant": cv2.BORDER_CONSTANT}


def augmentation(table: AugmentTable, size: int) -> nn.Sequential:
    """Changes to uint8 (C, H, W), which give (C, size, size); torch's global generator draws.

    Only a table that crops takes pictures of any size: the others take pictures of `size` squared.
    """
    steps: list[nn.Module] = []
    if table.crops:
        steps.append(v2.RandomResizedCrop(size, scale=table.crop, ratio=table.aspect, antialias=True))
    if table.moves:
        steps.append(Move(table))
    if table.flip:
        steps.append(v2.RandomHorizontalFlip())
    if table.blur:
        blur = v2.GaussianBlur(2 * min(math.ceil(3 * table.blur[1]), size - 1) + 1, sigma=table.blur)
        steps.append(v2.RandomApply([blur], p=table.blur_share))
    return nn.Sequential(*steps)


class Move(v2.RandomAffine):  # type: ignore[misc]  # torchvision has no types
    """Rotation, shift, shear and zoom as one affine map, drawn as torchvision draws it.

    OpenCV applies it, in a fifth of the time that torchvision takes with the picture continued outwards first.
    """

    def __init__(self, table: AugmentTable) -> None:
        shift = (table.shift, table.shift)
        super().__init__(degrees=table.rotate, translate=shift, scale=table.zoom, shear=[-table.shear, table.shear] * 2)
        self.border, self.level = BORDERS[table.fill], round(table.fill_value * 255)

    def transform(self, inpt: Tensor, params: dict[str, Any]) -> Tensor:
        """The moved picture, uint8 (C, H, W)."""
        height, width = inpt.shape[-2:]
        matrix = _matrix((width, height), **params)
        made = [
            cv2.warpAffine(
                plane, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=self.border, borderValue=self.level
            )
            for plane in inpt.numpy()
        ]
        return torch.from_numpy(np.stack(made))


def _matrix(
    size: tuple[int, int], angle: float, translate: Sequence[float], scale: float, shear: Sequence[float]
) -> Doubles:
    """The map (2, 3) of places (x, y) that shears, turns and zooms about the middle and then shifts; in degrees."""
    turn, across, down = (math.radians(value) for value in (angle, *shear))
    turned = np.array([[math.cos(turn), -math.sin(turn)], [math.sin(turn), math.cos(turn)]])
    sheared = np.array([[1.0, math.tan(across)], [0.0, 1.0]]) @ np.array([[1.0, 0.0], [math.tan(down), 1.0]])
    linear = scale * turned @ sheared
    middle = (np.array(size) - 1.0) / 2.0
    return np.column_stack([linear, middle + np.array(translate) - linear @ middle])
