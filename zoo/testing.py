"""Contract checks: what every plugin and every checkpoint must hold to. `zoo check NAME` runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal

from zoo.catalog.families import configured
from zoo.catalog.plugins import one_line
from zoo.catalog.registry import load_object
from zoo.errors import NotFoundError, PluginError, ZooError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zoo.catalog.plugins import PluginInfo
    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import Family, ImageSpec
    from zoo.checkpoints.format import Checkpoint
    from zoo.inference.model import Model

BATCH_TOLERANCE = 1e-4
# How far PyTorch and ONNX Runtime may be apart: in any answer to one input, and in the pictures of one seed.
BACKEND_TOLERANCE, SEED_TOLERANCE = 1e-3, 2 / 255
FREE_LENGTH = 4


@dataclass(frozen=True)
class Finding:
    """One check and its result; `advice` says what to do where it failed."""

    check: str
    passed: bool
    advice: str = ""


def check(name: str, registry: Registry) -> list[Finding]:
    """Check a plugin by its name or its distribution's, or a checkpoint by any name `zoo run` takes.

    Raises NotFoundError for a name that is neither, and as `read_checkpoint` does for a folder that is no checkpoint.
    """
    plugins = [info for info in registry.plugins if name in (info.plugin, info.distribution)]
    if plugins:
        return [finding for info in plugins for finding in check_plugin(info, registry)]
    from zoo.loading import find_checkpoint

    checkpoint = find_checkpoint(name, registry)
    family = checkpoint.config.family
    return list(check_checkpoint(checkpoint, registry.family(family) if family in registry.families else None))


def check_plugin(info: PluginInfo, registry: Registry) -> Iterator[Finding]:
    """Loading, what is loaded with it, every string of every family, and every checkpoint's bytes."""
    if info.disabled:
        raise NotFoundError(f"plugin {info.plugin} is disabled by ZOO_DISABLE_PLUGINS")
    error = info.problem.error if info.problem else ""
    yield Finding(f"{info.plugin}: loads, and its hooks give what they should", not error, error)
    if error:
        return
    yield Finding(f"{info.plugin}: loads without torch, timm and torchvision", not info.warning, info.warning)
    for name in info.families:
        yield from _check_family(registry.family(name), info)
    from zoo.checkpoints.sources import open_source

    for name in info.models:
        yield _tried(f"{name}: the checkpoint is whole", partial(open_source, registry.model(name).source))


def _check_family(family: Family, info: PluginInfo) -> Iterator[Finding]:
    for preset in family.presets or (None,):
        what = f"the preset {preset!r} is" if preset else "the defaults are"
        yield _tried(f"{family.name}: {what} a configuration", partial(configured, family, {}, preset))
    for part in (family.network, family.objective):
        yield _tried(f"{family.name}: {part} can be imported", partial(load_object, part, info))
    methods = [name for name in family.capabilities if name != "generate"]  # that one is decode of a draw
    yield _tried(
        f"{family.name}: the network has a method for each capability", partial(_require_methods, family, methods)
    )


def _require_methods(family: Family, methods: Sequence[str]) -> None:
    network = load_object(family.network)
    missing = [name for name in methods if not callable(getattr(network, name, None))]
    if missing:
        raise PluginError(f"{family.network} has no {' and no '.join(missing)}")


def check_checkpoint(checkpoint: Checkpoint, family: Family | None = None) -> Iterator[Finding]:
    """Weights, graphs at work, and the card; with the family and PyTorch, also that both backends agree."""
    import numpy as np

    from zoo.checkpoints.cards import problems
    from zoo.inference.backends import open_backend
    from zoo.inference.model import Model

    yield Finding(
        "files, hashes, tensors and graphs are what config.json promises", passed=True
    )  # it would not have been read
    finite = all(np.isfinite(array).all() for array in checkpoint.arrays().values())
    yield Finding("the weights are finite", finite, "train again with a lower learning rate or in float32")
    model = Model(checkpoint.config, open_backend("onnx", checkpoint, "cpu"))
    yield from _check_work(model)
    if family and find_spec("torch"):
        yield from _check_backends(model, Model(checkpoint.config, open_backend("torch", checkpoint, "cpu", family)))
    try:
        wrong = problems(checkpoint.folder, checkpoint.config)
    except NotFoundError as error:
        wrong = [str(error)]
    yield Finding("the card is complete and agrees with config.json", not wrong, "; ".join(wrong))


def _check_work(model: Model) -> Iterator[Finding]:
    """Each capability on random input: shapes, range, and independence of the batch."""
    for name, batch in _inputs(model):
        yield from _check_graph(name, getattr(model, name), batch)
    if "generate" in model.capabilities:
        yield _tried(
            "generate: one picture is the first of three", lambda: _same(model.generate(1), model.generate(3)[:1])
        )


def _check_backends(onnx: Model, torch: Model) -> Iterator[Finding]:
    """The same input, and the same seed, on both backends."""
    apart = "the backends differ by {:.2g}; export the checkpoint again"
    for name, batch in _inputs(onnx):
        one, other = getattr(onnx, name), getattr(torch, name)
        yield _tried(
            f"{name}: onnx and torch give the same",
            partial(
                lambda run, again, given: _same(run(given), again(given), BACKEND_TOLERANCE, apart), one, other, batch
            ),
        )
    if "generate" in onnx.capabilities:
        yield _tried(
            "generate: onnx and torch make the same pictures of a seed",
            lambda: _same(onnx.generate(4, seed=0), torch.generate(4, seed=0), SEED_TOLERANCE, apart),
        )


def _inputs(model: Model) -> Iterator[tuple[Literal["translate", "encode", "decode"], NDArray[np.float32]]]:
    """Three random inputs for each graph that a model has, the same at every call."""
    import numpy as np

    from zoo.inference.latents import noise

    rng = np.random.default_rng(0)
    capabilities = model.config.capabilities
    if "translate" in capabilities:
        yield "translate", _random_images(rng, capabilities["translate"].takes()[1])
    if "encode" in capabilities:
        yield "encode", _random_images(rng, capabilities["encode"].takes()[1])
    if "decode" in capabilities:
        yield "decode", noise(3, tuple(length or FREE_LENGTH for length in model.latent_shape or ()), seed=0)


def _random_images(rng: np.random.Generator, spec: ImageSpec) -> NDArray[np.float32]:
    import numpy as np

    size = spec.size or (spec.multiple * 3, spec.multiple * 2)
    return rng.random((3, spec.channels, *size), dtype=np.float32)


def _check_graph(name: str, run: Callable[..., NDArray[np.float32]], batch: NDArray[np.float32]) -> Iterator[Finding]:
    yield _tried(f"{name}: an item of a batch gives the same alone", lambda: _same(run(batch)[1:2], run(batch[1:2])))
    yield _tried(f"{name}: the same input gives the same again", lambda: _same(run(batch), run(batch), 0.0))


def _same(
    one: NDArray[np.float32],
    other: NDArray[np.float32],
    tolerance: float = BATCH_TOLERANCE,
    apart: str = "answers differ by {:.2g}; running statistics or dropout at use?",
) -> None:
    import numpy as np

    if one.shape != other.shape:
        raise PluginError(f"shapes differ: {one.shape} and {other.shape}")
    worst = float(np.abs(one - other).max())
    if not worst <= tolerance:
        raise PluginError(apart.format(worst))


def _tried(check: str, action: Callable[[], object]) -> Finding:
    try:
        action()
    except ZooError as error:
        return Finding(check, passed=False, advice=str(error))
    except Exception as error:  # what a plugin's own code raises
        return Finding(check, passed=False, advice=one_line(error))
    return Finding(check, passed=True)
