"""Random input for every graph of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from zoo.catalog.spec import CheckpointConfig, ImageSpec
    from zoo.checkpoints.graphs import Role

COUNT = 3
FREE_LENGTH = 4
# The least side of a picture of free size: networks that halve it often need some.
FREE_SIDE = 32
SPOT = 4


def inputs(config: CheckpointConfig, roles: Sequence[Role]) -> Iterator[tuple[Role, NDArray[np.float32]]]:
    """Three random inputs for each graph of these roles that a model has, the same at every call."""
    import numpy as np

    from zoo.inference.latents import noise

    rng = np.random.default_rng(0)
    latent, capabilities = config.latent, config.capabilities
    for role in roles:
        if role == "sample":
            if latent and latent.sampler:
                yield role, noise(COUNT, latent.sampler.noise, seed=0)
        elif role in capabilities and role == "decode":
            shape = latent.shape if latent else ()
            yield role, noise(COUNT, tuple(length or FREE_LENGTH for length in shape), seed=0)
        elif role in capabilities:
            spec = capabilities[role].takes()[1]
            height, width = sides(spec)
            # Large spots, not noise in every pixel: that drives a network to where no training took it, and there the
            # order in which it adds up its sums is enough to tell.
            spots = rng.random((COUNT, spec.channels, -(-height // SPOT), -(-width // SPOT)), dtype=np.float32)
            yield role, spots.repeat(SPOT, axis=2).repeat(SPOT, axis=3)[:, :, :height, :width]


def sides(spec: ImageSpec) -> tuple[int, int]:
    """Height and width of pictures to try: the network's own, else two different multiples of what it wants."""
    if spec.size:
        return spec.size
    least = -(-FREE_SIDE // spec.multiple) * spec.multiple
    return least + spec.multiple, least
