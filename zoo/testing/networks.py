"""Checks of a family's network with random weights, from its shapes to its graphs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load, save
from torch import nn

from zoo.catalog.families import interface_of
from zoo.catalog.interface import Interface, RoleName
from zoo.catalog.ports import agrees
from zoo.catalog.registry import load_object
from zoo.catalog.spec import Family
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import PluginError
from zoo.recipes.recipe import ModelTable
from zoo.testing.checkpoints import work_findings
from zoo.testing.finding import Finding, all_passed, all_same, tried
from zoo.testing.inputs import inputs
from zoo.training.export import export
from zoo.training.graph import answers_of

Answers = tuple[NDArray[np.float32], ...]
Batch = tuple[NDArray[np.float32], ...]


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """PyTorch's random numbers from a seed; afterwards they continue as if nothing had been drawn."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def network_findings(family: Family, config: Any) -> Iterator[Finding]:
    """The network as it is built from one configuration: each method, its weights at rest, and its graphs."""
    trial = Trial(family, config)
    if not (yield from all_passed(_built(trial))):
        return
    yield tried(f"{family.name}: the same seed builds the same weights", trial.require_same_weights)
    for role, batch in inputs(trial.interface):
        yield from _method(trial, role, batch)
    again = "every part of the network must be in its state_dict"
    yield tried(
        f"{family.name}: saved and loaded strictly, it answers the same", trial.require_same_after_loading, again
    )
    yield from _exported(trial)


def _built(trial: Trial) -> Iterator[Finding]:
    name = trial.family.name
    yield tried(f"{name}: the network is built from its configuration", trial.network)
    yield tried(f"{name}: and without memory, to compare shapes first", trial.skeleton, "see torch.device('meta')")


class Trial:
    """One family with one configuration."""

    def __init__(self, family: Family, config: Any) -> None:
        self.family, self.config = family, config
        self.build: Callable[[Any], nn.Module] = load_object(family.network)
        self.interface: Interface = interface_of(config)

    def network(self, seed: int = 0) -> nn.Module:
        """A network with random weights, ready for use."""
        with seeded(seed):
            return self.build(self.config).eval()

    def skeleton(self) -> nn.Module:
        """The network as the torch backend builds it first, to compare shapes."""
        with torch.device("meta"):
            return self.build(self.config)

    def answers(self, network: nn.Module, role: RoleName, batch: Batch) -> Answers:
        """What a method of a network answers to a batch."""
        answers = [answer.numpy() for answer in answers_of(network, role, *map(torch.from_numpy, batch))]
        ports = self.interface.outputs(role, len(answers))
        if len(ports) != len(answers):
            return tuple(answers)
        # Log-likelihoods are large: they count relative to their size.
        numbers = (port.kind == "number" for port in ports)
        pairs = zip(answers, numbers, strict=True)
        return tuple(answer / (1.0 + np.abs(answer)) if number else answer for answer, number in pairs)

    def require_same_weights(self) -> None:
        """Raise PluginError if weights are drawn from anything but PyTorch's seed."""
        one, other = (self.network(seed=1).state_dict() for _ in range(2))
        wrong = [name for name, tensor in one.items() if not torch.equal(tensor, other[name])]
        if wrong:
            raise PluginError(f"{wrong[0]} differs: draw every weight with torch's own generator, nothing else")

    def require_same_after_loading(self) -> None:
        """Raise what loading raises, or PluginError if answers are others than before."""
        before, after = self.network(seed=0), self.network(seed=1)
        data = save({name: tensor.contiguous() for name, tensor in before.state_dict().items()})
        after.load_state_dict(load(data), strict=True)
        for role, batch in inputs(self.interface):
            all_same(self.answers(before, role, batch), self.answers(after, role, batch))


def _method(trial: Trial, role: RoleName, batch: Batch) -> Iterator[Finding]:
    """Shapes and values of one method's answers, and that nothing but its input counts."""
    network = trial.network()
    shaped = tried(
        f"{role}: answers have the shape that interface() promises", partial(_shaped, trial, network, role, batch)
    )
    yield shaped
    if not shaped.passed:
        return
    if trial.interface.outputs(role)[0].kind == "image":
        yield tried(f"{role}: pictures lie in [0, 1]", partial(_ranged, trial, network, role, batch))

    def answers(given: Batch) -> Answers:
        return trial.answers(network, role, given)

    yield tried(f"{role}: the same input gives the same again", lambda: all_same(answers(batch), answers(batch), 0.0))
    yield tried(
        f"{role}: an item of a batch gives the same alone",
        lambda: all_same([answer[1:2] for answer in answers(batch)], answers(tuple(part[1:2] for part in batch))),
    )


def _shaped(trial: Trial, network: nn.Module, role: RoleName, batch: Batch) -> None:
    answers = trial.answers(network, role, batch)
    ports = trial.interface.outputs(role, len(answers))
    if len(ports) != len(answers):
        names = ", ".join(port.name for port in trial.interface.outputs(role))
        raise PluginError(f"{role} gives {len(answers)} tensors; it gives: {names}")
    for port, answer in zip(ports, answers, strict=True):
        if not agrees((len(batch[0]), *port.shape), answer.shape):
            wanted = ", ".join(str(length or "any") for length in port.shape)
            raise PluginError(f"{port.name} has shape {answer.shape}, interface() says (N, {wanted})")
        if not np.isfinite(answer).all():
            raise PluginError(
                f"{port.name} has numbers that are not finite: bound what goes into exp, log and division"
            )


def _ranged(trial: Trial, network: nn.Module, role: RoleName, batch: Batch) -> None:
    picture = trial.answers(network, role, batch)[0]
    if picture.min() < 0.0 or picture.max() > 1.0:
        raise PluginError(
            f"values from {picture.min():.3g} to {picture.max():.3g}: end {role} with a sigmoid or a clamp"
        )


def _exported(trial: Trial) -> Iterator[Finding]:
    """The network as a checkpoint: its graphs agree with it, and it runs from its files alone."""
    name = trial.family.name
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "checkpoint")
        table = ModelTable(id=f"{name}.check", family=name)

        def write() -> None:
            export(trial.network(), trial.config, table, name, None, target)

        exported = tried(f"{name}: its graphs answer as PyTorch does", write, "keep to operators of plain PyTorch")
        yield exported
        if exported.passed:
            for finding in work_findings(read_checkpoint(target, f"{name}.check"), trial.family):
                yield Finding(f"{name}, exported: {finding.check}", finding.passed, finding.advice)
