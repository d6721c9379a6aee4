"""What may be asked of an evaluation beyond the pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What may be asked for beyond the pictures.

    `size` is the side to evaluate at, `samples` the posterior draws a picture, `features` a feature network's name,
    `samples_n` how many generated pictures the Frechet distance is of. `attributes` names those of the feature network
    that are changed, or `all`; that and `transitions` take longer. `against` names other models, or the folders of
    their checkpoints, whose figures stand beside a generator's or a colorizer's.
    """

    size: int | None = None
    samples: int | None = None
    features: str | None = None
    samples_n: int | None = None
    attributes: str | None = None
    transitions: bool = False
    against: tuple[str, ...] = ()

    def arguments(self) -> str:
        """The same on the command line."""
        given = {"size": self.size, "samples": self.samples, "features": self.features, "samples-n": self.samples_n}
        given["attributes"] = self.attributes
        words = [f" --{name} {value}" for name, value in given.items() if value is not None]
        words += [f" --against {name}" for name in self.against]
        return "".join([*words, " --transitions" if self.transitions else ""])
