"""Names of the types of arrays that pass between the rooms; shapes are said where they are used."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float32]
Doubles: TypeAlias = NDArray[np.float64]
# Levels of 8 bits, 0 to 255, and of 16, 0 to 65535; `Levels` are either, or floats in [0, 1].
Pixels: TypeAlias = NDArray[np.uint8]
Deep: TypeAlias = NDArray[np.uint16]
Levels: TypeAlias = NDArray[Any]
Mask: TypeAlias = NDArray[np.bool_]
