"""How the public pix2pix scripts name the tensors of their U-Net, as they are in `latest_net_G.pth`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoo_pix2pix.config import Pix2PixConfig

STATISTICS = ("running_mean", "running_var")
PARTS = ("weight", "bias", *STATISTICS)


def public_names(config: Pix2PixConfig) -> dict[str, str]:
    """The scripts' names -> those of `UNet`.

    There each level of the U-Net holds the next one: activation, convolution, norm, the inner level, activation,
    transposed convolution, norm, dropout. The outermost level has no first activation and no norms; the innermost has
    no inner level and one norm. Their instance norm has no parameters; old files hold statistics of it all the same,
    which the scripts leave out too: their name here is "".
    """
    names: dict[str, str] = {}
    place, innermost = "model.model", config.depth - 1
    for level in range(config.depth):
        first, last = level == 0, level == innermost
        up = 3 if first or last else 5
        pairs = {f"{place}.{0 if first else 1}": f"down.{level}.{0 if first else 1}", f"{place}.{up}": f"up.{level}.1"}
        if not first:
            pairs[f"{place}.{up + 1}"] = f"up.{level}.2"
            if not last:
                pairs[f"{place}.2"] = f"down.{level}.2"
        names |= {f"{theirs}.{part}": f"{ours}.{part}" for theirs, ours in pairs.items() for part in PARTS}
        if config.norm == "instance":
            names |= {f"{theirs}.{part}": "" for theirs in pairs for part in STATISTICS}
        place += f".{1 if first else 3}.model"
    return names
