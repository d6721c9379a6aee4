"""What is trained: each sub-network's network with its optimizer and schedule, and one step of all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DataLoaderConfiguration
from timm.scheduler import create_scheduler_v2
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from zoo.errors import TrainingError
from zoo.recipes.recipe import Recipe
from zoo.recipes.seeds import derive
from zoo.training.objective import Batch, Objective
from zoo.training.optimizers import optimizer_for
from zoo.weights.initial import initialise
from zoo.weights.reading import State

PRECISION = {"float32": "no", "bf16": "bf16", "fp16": "fp16"}
# How fast the weight average reaches its decay: decay(step) = 1 - (1 + step) ** -power. With timm's own 2/3, a run of a
# few thousand steps never averages over more than the last hundred.
WARMUP_POWER = 0.9
# A schedule of three parts takes this many steps at least.
SHORTEST = 6


class Subnetworks:
    """New networks by the recipe's seed, on their device, in the recipe's precision, which must be settled by now.

    `average` is the weight average of the exported network, the first. Where several processes train, each holds the
    same weights and takes its share of every batch; gradients are averaged over them here and not by PyTorch's wrapper,
    whose networks could not be asked for more than `forward`, nor for the gradient of a gradient.
    """

    def __init__(self, recipe: Recipe, objective: Objective, starts: Mapping[str, State], steps_per_epoch: int) -> None:
        self.recipe, self.objective, self.steps_per_epoch, table = recipe, objective, steps_per_epoch, recipe.train
        AcceleratorState._reset_state()  # else one process could train in one precision only
        shares = DataLoaderConfiguration(split_batches=True)
        self.accelerator = Accelerator(
            mixed_precision=PRECISION[table.precision], rng_types=[], dataloader_config=shares
        )
        torch.manual_seed(derive(table.seed, 0))
        layout = torch.channels_last if table.channels_last else torch.contiguous_format
        made = objective.networks()
        self.exported = next(iter(made))
        initialise(made[self.exported], starts)
        raw = {name: net.to(memory_format=layout) for name, net in made.items()}
        if set(raw) != set(recipe.optimizer):
            raise TrainingError(f"the recipe must have one [optimizer.NAME] for each of: {', '.join(raw)}")
        self.average = ModelEmaV3(raw[self.exported], decay=table.ema, use_warmup=True, warmup_power=WARMUP_POWER)
        self.average.to(self.accelerator.device)
        optimizers = {name: optimizer_for(net, recipe.optimizer[name]) for name, net in raw.items()}
        self.nets: dict[str, nn.Module] = {
            name: self.accelerator.prepare_model(net, evaluation_mode=self.several) for name, net in raw.items()
        }
        self.optimizers = {name: self.accelerator.prepare(optimizer) for name, optimizer in optimizers.items()}
        self.schedules = {name: self._schedule(name, optimizer) for name, optimizer in optimizers.items()}

    @property
    def several(self) -> bool:
        """Whether several processes train."""
        return bool(self.accelerator.num_processes > 1)

    def step(self, batch: Batch, number: int) -> dict[str, float]:
        """Take step `number`, from 0: each sub-network is stepped as its loss is yielded; the loss reaches only it.

        A batch in several parts (`train.accumulate`) is stepped with the last, by the gradients of all. Returns each
        sub-network's loss, the largest learning rate of its groups, and what the objective logs, over the whole batch.
        Raises TrainingError when a loss is not finite.
        """
        if self.recipe.train.channels_last:
            batch = replace(batch, input=batch.input.to(memory_format=torch.channels_last))
        for schedule in self.schedules.values():
            schedule.step_update(number)
        rng = torch.Generator(self.accelerator.device).manual_seed(torch.initial_seed())
        parts = batch.parts(self.recipe.train.accumulate)
        logs: list[dict[str, float]] = []
        for place, part in enumerate(parts, 1):
            share = len(part.input) / len(batch.input)
            logs.append({})
            for name, loss, extra in self.objective.losses(self.nets, part, rng):
                said = self._take(name, loss, share, number, first=place == 1, last=place == len(parts))
                said |= {f"{name}.{key}": float(item) for key, item in extra.items()}
                logs[-1] |= {key: value * share for key, value in said.items()}
        self.average.update(self.accelerator.unwrap_model(self.nets[self.exported]), step=number + 1)
        return self._over_all(logs)

    def _take(self, name: str, loss: Tensor, share: float, number: int, *, first: bool, last: bool) -> dict[str, float]:
        """Add the gradient of one part's loss; step with that of the last."""
        value = float(loss.detach())
        if not math.isfinite(value):
            raise TrainingError(
                f"the loss of {name} is {value} at step {number}: "
                f"lower optimizer.{name}.lr, set optimizer.{name}.clip, or train in float32"
            )
        optimizer = self.optimizers[name]
        parameters = [p for p in self.nets[name].parameters() if p.requires_grad]
        if first:
            optimizer.zero_grad()
        self.accelerator.backward(loss * share, inputs=parameters)
        if last:
            self._average_gradients(parameters)
            if self.recipe.optimizer[name].clip:
                self.accelerator.clip_grad_norm_(parameters, self.recipe.optimizer[name].clip)
            optimizer.step()
        return {f"{name}.loss": value, f"{name}.lr": max(group["lr"] for group in optimizer.param_groups)}

    def _average_gradients(self, parameters: Sequence[nn.Parameter]) -> None:
        """Give every process the mean of all their gradients."""
        if self.several:
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad = self.accelerator.reduce(parameter.grad, reduction="mean")

    def _over_all(self, logs: Sequence[Mapping[str, float]]) -> dict[str, float]:
        """What is logged of a step: the sum of what the parts add to it, the mean over the processes."""
        found = {name: sum(part[name] for part in logs) for name in logs[0]}
        if not self.several:
            return found
        values = torch.tensor(list(found.values()), dtype=torch.float32, device=self.accelerator.device)
        return dict(zip(found, self.accelerator.reduce(values, reduction="mean").tolist(), strict=True))

    def _schedule(self, name: str, optimizer: torch.optim.Optimizer) -> Any:
        table, epochs = self.recipe.optimizer[name], self.recipe.train.epochs
        # A run that was made short has room for all parts of `wsd` still, if it has a few steps.
        held = table.schedule == "wsd"
        warmup = min(table.warmup_epochs, epochs / 2) if held else table.warmup_epochs
        return create_scheduler_v2(
            optimizer,
            sched="constant" if held and epochs * self.steps_per_epoch < SHORTEST else table.schedule,
            num_epochs=epochs,
            decay_epochs=min(table.decay_epochs, epochs - warmup) if held else table.decay_epochs,
            warmup_epochs=warmup,  # type: ignore[arg-type]  # a fraction works as well
            warmup_lr=table.lr / 100,
            step_on_epochs=False,
            updates_per_epoch=self.steps_per_epoch,
        )[0]
