"""The one loop that trains every family."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from zoo.errors import TrainingError
from zoo.recipes.recipe import Recipe
from zoo.recipes.seeds import derive
from zoo.training import state
from zoo.training.data import held_out_batches, pictures_of, training_batches, training_source
from zoo.training.objective import Batch, Evaluation, Objective
from zoo.training.precision import hardware, settle
from zoo.training.run import Run
from zoo.training.subnetworks import Subnetworks
from zoo.weights.reading import State

# Called with the step, the steps of the whole run, and what is told of it: a step's epoch, examples, seconds and logs;
# an evaluation's row of metrics.jsonl, which has `evaluated`; or a remark on the `precision`.
Report = Callable[[int, int, Mapping[str, Any]], None]


def no_report(step: int, steps: int, row: Mapping[str, Any]) -> None:
    """Tell nobody."""


class Training:
    """One run, from its recipe or from its newest state to the last epoch.

    Every random choice follows from (seed, epoch, position), so a run that was killed and resumed gives the same
    weights as one that was not, bit for bit on one CPU with the same number of threads.
    """

    def __init__(
        self, recipe: Recipe, objective: Objective, run: Run, starts: Mapping[str, State] = MappingProxyType({})
    ) -> None:
        self.objective, self.run = objective, run
        source = training_source(recipe)
        objective.prepare(pictures_of(source))
        loader, self.order = training_batches(recipe, source)
        self.steps_per_epoch = len(self.order)
        self.recipe, self.said = settle(recipe, objective, starts, self.order, loader, run.precision)
        self.subnetworks = Subnetworks(self.recipe, objective, starts, self.steps_per_epoch)
        self.nets, self.optimizers, self.average = (
            self.subnetworks.nets,
            self.subnetworks.optimizers,
            self.subnetworks.average,
        )
        self.accelerator = self.subnetworks.accelerator
        self.loader = self.accelerator.prepare(loader)
        self.held_out = held_out_batches(recipe, self.accelerator.device)
        self.step, self.seconds, self.saved_at = 0, 0.0, time.monotonic()
        self.best: tuple[Evaluation, dict[str, Tensor]] | None = None
        self.best_step, self.evaluated_at = 0, -1
        self.hardware: list[str] = []  # of every machine that took steps of the run

    @property
    def steps(self) -> int:
        """How many steps the whole run has."""
        return self.steps_per_epoch * self.recipe.train.epochs

    def fit(self, report: Report = no_report) -> tuple[Evaluation, dict[str, Tensor]]:
        """Train to the end; returns the best evaluation and the exported network's weights at that state (float32).

        Raises TrainingError when a loss is not finite. An interrupt saves the state first.
        """
        epochs = self.recipe.train.epochs
        first, start = divmod(self.step, self.steps_per_epoch)
        try:
            if self.said:
                report(self.step, self.steps, {"precision": self.said})
            if start == 0:  # a state may have been saved between the end of an epoch and its evaluation
                self._evaluate_if_due(first, report)
            for epoch in range(first, epochs):
                self._epoch(epoch, start if epoch == first else 0, report)
                self._evaluate_if_due(epoch + 1, report)
            self.save()
        except KeyboardInterrupt:
            self.save()
            raise
        assert self.best is not None
        return self.best

    def finish(self, report: Report = no_report) -> tuple[Evaluation, dict[str, Tensor]]:
        """What `fit` returns, of a run that ends here; the saved states stay as they are, to be resumed from."""
        if self.evaluated_at != self.step:
            self._evaluate(self.step / self.steps_per_epoch, report)
        assert self.best is not None
        return self.best

    def _epoch(self, epoch: int, start: int, report: Report) -> None:
        self.order.epoch, self.order.start = epoch, start
        if hardware() not in self.hardware:
            self.hardware.append(hardware())
        for net in self.nets.values():
            net.train()
        began = time.monotonic()
        for position, (source, target, labels) in enumerate(self.loader, start):
            rank = self.accelerator.process_index  # each process draws for its own share of the batch
            torch.manual_seed(derive(self.recipe.train.seed, epoch, position, 1, *([rank] if rank else [])))
            given = Batch(source, target, labels if labels.numel() else None, epoch + position / self.steps_per_epoch)
            logs = self.subnetworks.step(given, self.step)
            self.step += 1
            took, began = time.monotonic() - began, time.monotonic()
            self.seconds += took
            self.run.log({"step": self.step, "epoch": epoch, **logs})
            told = {"epoch": epoch, "examples": len(target) * self.accelerator.num_processes, "seconds": took}
            report(self.step, self.steps, told | logs)
            if time.monotonic() - self.saved_at > self.recipe.train.save_seconds:
                self.save()

    def _evaluate_if_due(self, epochs: int, report: Report) -> None:
        table = self.recipe.train
        due = epochs > 0 and (epochs % table.eval_epochs == 0 or epochs == table.epochs)
        if due and self.evaluated_at != self.step:
            self._evaluate(epochs, report)

    def _evaluate(self, epochs: float, report: Report) -> None:
        """Evaluate the average on held-out pictures and keep its weights if no earlier state was better."""
        evaluation = self.objective.evaluate(self.average.module, self.held_out)
        row = {"step": self.step, "epoch": round(epochs, 2), "evaluated": True, **evaluation.figures}
        self.run.log(row)
        report(self.step, self.steps, row)
        self.run.draw(evaluation.samples, self.step)
        key = self.recipe.train.keep_best
        if key is not None and key not in evaluation.figures:
            raise TrainingError(f"train.keep_best = {key!r} is none of the figures: {', '.join(evaluation.figures)}")
        if self.best is None or key is None or evaluation.figures[key] >= self.best[0].figures[key]:
            weights = self.average.module.state_dict()
            self.best = evaluation, {name: tensor.detach().clone() for name, tensor in weights.items()}
            self.best_step = self.step
        self.evaluated_at = self.step

    def save(self) -> None:
        """Write the whole state of the run."""
        self.saved_at = time.monotonic()
        if not self.run.writes:
            return
        tensors = state.pack("average", self.average.module)
        for name, net in self.nets.items():
            tensors |= state.pack(f"net.{name}", self.accelerator.unwrap_model(net))
            tensors |= state.pack_optimizer(f"optimizer.{name}", self.optimizers[name].optimizer)
        facts: dict[str, Any] = {"step": self.step, "seconds": self.seconds}
        facts |= {"best_step": self.best_step, "evaluated_at": self.evaluated_at, "hardware": self.hardware}
        if self.best:
            evaluation, weights = self.best
            facts["best"] = {"figures": dict(evaluation.figures), "config": dict(evaluation.config)}
            tensors |= {f"best.{name}": tensor for name, tensor in weights.items()}
        state.save_state(self.run.states, self.step, tensors, facts)

    def resume(self) -> bool:
        """Go back to the newest state; False where there is none."""
        saved = state.load_state(self.run.states)
        if saved is None:
            return False
        tensors, facts = saved
        self.step, self.seconds = int(facts["step"]), float(facts["seconds"])
        self.best_step = int(facts["best_step"])
        self.hardware = list(facts.get("hardware", []))  # older states don't say
        self.evaluated_at = int(facts.get("evaluated_at", -1))  # older states don't say: they are evaluated again
        self.average.module.load_state_dict(state.unpack(tensors, "average"))
        for name, net in self.nets.items():
            self.accelerator.unwrap_model(net).load_state_dict(state.unpack(tensors, f"net.{name}"))
            state.unpack_optimizer(self.optimizers[name].optimizer, tensors, f"optimizer.{name}")
        if "best" in facts:
            self.best = Evaluation(**facts["best"]), state.unpack(tensors, "best")
        self.run.forget_after(self.step)
        return True
