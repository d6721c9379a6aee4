"""Checks of a checkpoint: its bytes, its graphs at work, both backends, and its card."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from zoo.catalog.interface import RoleName
from zoo.catalog.spec import Family
from zoo.checkpoints.format import Checkpoint
from zoo.errors import NotFoundError, PluginError
from zoo.inference.model import Model
from zoo.testing.finding import NEEDS_TORCH, Finding, has_torch, same, tried
from zoo.testing.inputs import inputs

# How far PyTorch and ONNX Runtime may be apart: in any answer to one input, and in the pictures of one seed.
BACKEND_TOLERANCE, SEED_TOLERANCE = 1e-3, 2 / 255
# A runtime's tanh or sigmoid may pass its bound by the rounding of float32.
ROUNDING = 1e-6
# Of a model that takes many: enough for a fault to show.
FEW_STEPS = 3


def checkpoint_findings(checkpoint: Checkpoint, family: Family | None = None) -> Iterator[Finding]:
    """Weights, graphs at work, and the card; with the family and PyTorch, also that both backends agree."""
    from zoo.checkpoints.cards import problems

    yield from work_findings(checkpoint, family)
    try:
        wrong = problems(checkpoint.folder, checkpoint.config, checkpoint.name)
    except NotFoundError as error:
        wrong = [str(error)]
    yield Finding("the card is complete and agrees with config.json", not wrong, "; ".join(wrong))


def work_findings(checkpoint: Checkpoint, family: Family | None = None) -> Iterator[Finding]:
    """The same without the card."""
    import numpy as np

    from zoo.inference.backends import open_backend
    from zoo.inference.model import Model

    yield Finding(
        "files, hashes, tensors and graphs are what config.json promises", passed=True
    )  # it would not have been read
    finite = all(np.isfinite(array).all() for array in checkpoint.arrays().values())
    advice = "" if finite else "train again with a lower learning rate or in float32"
    yield Finding("the weights are finite", finite, advice)
    model = Model(checkpoint.config, open_backend("onnx", checkpoint, "cpu"))
    yield from _answers(model)
    if family and has_torch():
        yield from _backends(model, checkpoint, family)
    elif family:
        yield Finding("onnx and torch give the same", passed=True, advice=NEEDS_TORCH, skipped=True)


def _answers(model: Model) -> Iterator[Finding]:
    """Each capability on random input: range, and independence of the batch and of chance."""
    for name, batch in _methods(model):
        run = partial(_run, model, name)
        yield tried(f"{name}: an item of a batch gives the same alone", partial(_alone, run, batch[0]))
        yield tried(f"{name}: the same input gives the same again", partial(_again, run, batch[0]))
        if model.interface.outputs(name)[0].kind == "image":
            yield tried(f"{name}: pictures lie in [0, 1]", partial(_in_range, model, name, batch))
    if "generate" in model.capabilities:
        yield tried(
            "generate: one picture is the first of three",
            lambda: same(model.generate(1, steps=_few(model)), model.generate(3, steps=_few(model))[:1]),
        )


def _made(model: Model) -> NDArray[np.float32]:
    return model.generate(4, seed=0, steps=_few(model))


def _few(model: Model) -> int | None:
    """How many steps are enough to tell answers apart, where a model takes steps."""
    return FEW_STEPS if model.steps() else None


def _run(model: Model, name: RoleName, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """A method's answers, told the first value of each condition."""
    told = {each.name: each.at(0.0) for each in model.interface.conditions}
    steps = {"steps": _few(model)} if name == "decode" else {}
    answers: NDArray[np.float32] = getattr(model, name)(batch, **steps, **told)
    return answers


def _methods(model: Model) -> Iterator[tuple[RoleName, tuple[NDArray[np.float32], ...]]]:
    """The graphs that are methods of a model, and random input for each."""
    return ((role, batch) for role, batch in inputs(model.interface) if role in model.capabilities)


def _alone(run: Callable[..., NDArray[np.float32]], batch: NDArray[np.float32]) -> None:
    same(run(batch)[1:2], run(batch[1:2]))


def _again(run: Callable[..., NDArray[np.float32]], batch: NDArray[np.float32]) -> None:
    same(run(batch), run(batch), 0.0)


def _in_range(model: Model, graph: RoleName, batch: tuple[NDArray[np.float32], ...]) -> None:
    answer = model.backend.run(graph, *batch)[0]  # as the graph gives it: the model's own answers are clamped
    if not (answer.min() >= -ROUNDING and answer.max() <= 1.0 + ROUNDING):
        raise PluginError(f"values from {answer.min():.3g} to {answer.max():.3g}: end the network with a sigmoid")


def _backends(onnx: Model, checkpoint: Checkpoint, family: Family) -> Iterator[Finding]:
    """The same input, and the same seed, on both backends."""
    from zoo.inference.backends import open_backend
    from zoo.inference.model import Model

    opened: list[Model] = []

    def take() -> None:
        opened.append(Model(checkpoint.config, open_backend("torch", checkpoint, "cpu", family)))

    yield tried(f"the network of {family.name} takes the weights", take, "export the checkpoint again")
    if not opened:
        return
    (torch,) = opened
    apart = "the backends differ by {:.2g}; export the checkpoint again"

    def compare(name: RoleName, batch: tuple[NDArray[np.float32], ...]) -> None:
        same(_run(onnx, name, batch[0]), _run(torch, name, batch[0]), BACKEND_TOLERANCE, apart)

    for name, batch in _methods(onnx):
        yield tried(f"{name}: onnx and torch give the same", partial(compare, name, batch))
    if "generate" in onnx.capabilities:
        yield tried(
            "generate: onnx and torch make the same pictures of a seed",
            lambda: same(_made(onnx), _made(torch), SEED_TOLERANCE, apart),
        )
