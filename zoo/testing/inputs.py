"""Random input for every graph of a model."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from zoo.catalog.interface import Interface, RoleName
from zoo.catalog.ports import ImageSpec

COUNT = 3
# The least side of a picture of free size: networks that halve it often need some.
FREE_SIDE = 32
SPOT = 4


def inputs(interface: Interface) -> Iterator[tuple[RoleName, tuple[NDArray[np.float32], ...]]]:
    """Three random inputs for each graph that a model has, the same at every call."""
    import numpy as np

    from zoo.inference.conditions import drawn, rows
    from zoo.inference.latents import noise

    rng = np.random.default_rng(0)
    for role in interface.graphs():
        port, *others = interface.inputs(role)
        step = (
            [np.array([[1.0, 0.9], [0.6, 0.4], [0.1, 0.0]], np.float32)] if "step" in {p.kind for p in others} else []
        )
        beside = (*step, *rows(interface, role, drawn(interface, {}, COUNT, 0), COUNT))
        if port.kind == "image":
            height, width = sides(interface.takes(role))
            # Large spots, not noise in every pixel: that drives a network to where no training took it, and there the
            # order in which it adds up its sums is enough to tell.
            spots = rng.random((COUNT, port.shape[0] or 1, -(-height // SPOT), -(-width // SPOT)), dtype=np.float32)
            yield role, (spots.repeat(SPOT, axis=2).repeat(SPOT, axis=3)[:, :, :height, :width], *beside)
        else:
            yield role, (noise(COUNT, interface.shape(role, COUNT, side=1)[0][1:], seed=0), *beside)


def sides(spec: ImageSpec) -> tuple[int, int]:
    """Height and width of pictures to try: the network's own, else two different multiples of what it wants."""
    if spec.size:
        return spec.size
    least = -(-FREE_SIDE // spec.multiple) * spec.multiple
    return least + spec.multiple, least
