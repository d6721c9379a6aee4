"""The one loop that trains every family."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from timm.scheduler import create_scheduler_v2
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from zoo.errors import TrainingError
from zoo.training import state
from zoo.training.data import derive, held_out_batches, training_batches, training_pictures
from zoo.training.importing import State
from zoo.training.initial import initialise
from zoo.training.objective import Batch, Objective, Verdict
from zoo.training.optimizers import optimizer_for
from zoo.training.recipe import Recipe
from zoo.training.run import Run

PRECISION = {"auto": "no", "float32": "no", "bf16": "bf16", "fp16": "fp16"}
# How fast the weight average reaches its decay: decay(step) = 1 - (1 + step) ** -power. With timm's own 2/3, a run of a
# few thousand steps never averages over more than the last hundred.
WARMUP_POWER = 0.9
Report = Callable[[int, int, Mapping[str, float]], None]


class Training:
    """One run, from its recipe or from its newest state to the last epoch.

    Every random choice follows from (seed, epoch, position), so a run that was killed and goes on gives the same
    weights as one that was not, bit for bit on one CPU with the same number of threads.
    """

    def __init__(
        self, recipe: Recipe, objective: Objective, run: Run, starts: Mapping[str, State] = MappingProxyType({})
    ) -> None:
        self.recipe, self.objective, self.run, table = recipe, objective, run, recipe.train
        AcceleratorState._reset_state()  # else one process could train in one precision only
        self.accelerator = Accelerator(mixed_precision=PRECISION[table.precision], rng_types=[])
        objective.prepare(training_pictures(recipe))
        torch.manual_seed(derive(table.seed, 0))
        layout = torch.channels_last if table.channels_last else torch.contiguous_format
        made = objective.networks()
        initialise(made[next(iter(made))], starts)
        raw = {name: net.to(memory_format=layout) for name, net in made.items()}
        if set(raw) != set(recipe.optimizer):
            raise TrainingError(f"the recipe must have one [optimizer.NAME] for each of: {', '.join(raw)}")
        self.average = ModelEmaV3(raw[next(iter(raw))], decay=table.ema, use_warmup=True, warmup_power=WARMUP_POWER)
        self.average.to(self.accelerator.device)
        optimizers = {name: optimizer_for(net, recipe.optimizer[name]) for name, net in raw.items()}
        loader, self.order = training_batches(recipe)
        self.steps_per_epoch = len(self.order)
        self.held_out = held_out_batches(recipe)
        self.loader = self.accelerator.prepare(loader)
        self.nets: dict[str, nn.Module] = {name: self.accelerator.prepare(net) for name, net in raw.items()}
        self.optimizers = {name: self.accelerator.prepare(optimizer) for name, optimizer in optimizers.items()}
        self.schedules = {name: self._schedule(name, optimizer) for name, optimizer in optimizers.items()}
        self.step, self.seconds, self.saved_at = 0, 0.0, time.monotonic()
        self.best: tuple[Verdict, dict[str, Tensor]] | None = None
        self.best_step, self.judged_at = 0, -1

    @property
    def exported(self) -> str:
        """The name of the network that becomes the checkpoint."""
        return next(iter(self.nets))

    def fit(self, report: Report = lambda step, steps, logs: None) -> tuple[Verdict, dict[str, Tensor]]:
        """Train to the end; returns the best verdict and the exported network's weights at that state (float32).

        Raises TrainingError when a loss is not finite. An interrupt saves the state first.
        """
        epochs = self.recipe.train.epochs
        first, start = divmod(self.step, self.steps_per_epoch)
        try:
            if start == 0:  # a state may have been saved between the end of an epoch and its evaluation
                self._judge_if_due(first)
            for epoch in range(first, epochs):
                self._epoch(epoch, start if epoch == first else 0, report)
                self._judge_if_due(epoch + 1)
            self.save()
        except KeyboardInterrupt:
            self.save()
            raise
        assert self.best is not None
        return self.best

    def finish(self) -> tuple[Verdict, dict[str, Tensor]]:
        """What `fit` returns, of a run that ends here; the saved states stay as they are, to be resumed from."""
        if self.judged_at != self.step:
            self._judge(self.step / self.steps_per_epoch)
        assert self.best is not None
        return self.best

    def _epoch(self, epoch: int, start: int, report: Report) -> None:
        self.order.epoch, self.order.start = epoch, start
        for net in self.nets.values():
            net.train()
        began = time.monotonic()
        for position, (source, target, labels) in enumerate(self.loader, start):
            torch.manual_seed(derive(self.recipe.train.seed, epoch, position, 1))
            given = Batch(source, target, labels if labels.numel() else None, epoch + position / self.steps_per_epoch)
            logs = self._step(given)
            self.step += 1
            self.average.update(self.accelerator.unwrap_model(self.nets[self.exported]), step=self.step)
            self.seconds, began = self.seconds + time.monotonic() - began, time.monotonic()
            self.run.log({"step": self.step, "epoch": epoch, **logs})
            report(self.step, self.steps_per_epoch * self.recipe.train.epochs, logs)
            if time.monotonic() - self.saved_at > self.recipe.train.save_seconds:
                self.save()

    def _step(self, batch: Batch) -> dict[str, float]:
        """One step: each player moves as its loss is yielded; the loss reaches that player's parameters only."""
        if self.recipe.train.channels_last:
            batch = replace(batch, input=batch.input.to(memory_format=torch.channels_last))
        for schedule in self.schedules.values():
            schedule.step_update(self.step)
        logs: dict[str, float] = {}
        rng = torch.Generator(self.accelerator.device).manual_seed(torch.initial_seed())
        for player, loss, extra in self.objective.losses(self.nets, batch, rng):
            value = float(loss.detach())
            if not math.isfinite(value):
                raise TrainingError(
                    f"the loss of {player} is {value} at step {self.step}: "
                    f"lower optimizer.{player}.lr, set optimizer.{player}.clip, or train in float32"
                )
            optimizer = self.optimizers[player]
            parameters = [p for p in self.nets[player].parameters() if p.requires_grad]
            optimizer.zero_grad()
            self.accelerator.backward(loss, inputs=parameters)
            if self.recipe.optimizer[player].clip:
                self.accelerator.clip_grad_norm_(parameters, self.recipe.optimizer[player].clip)
            optimizer.step()
            logs |= {f"{player}.loss": value, f"{player}.lr": max(group["lr"] for group in optimizer.param_groups)}
            logs |= {f"{player}.{name}": float(item) for name, item in extra.items()}
        return logs

    def _judge_if_due(self, epochs: int) -> None:
        table = self.recipe.train
        due = epochs > 0 and (epochs % table.eval_epochs == 0 or epochs == table.epochs)
        if due and self.judged_at != self.step:
            self._judge(epochs)

    def _judge(self, epochs: float) -> None:
        """Judge the average on held-out pictures and keep its weights if no earlier state was better."""
        verdict = self.objective.judge(self.average.module, self.held_out)
        self.run.log({"step": self.step, "epoch": round(epochs, 2), "judged": True, **verdict.figures})
        self.run.draw(verdict.samples, self.step)
        key = self.recipe.train.keep_best
        if key is not None and key not in verdict.figures:
            raise TrainingError(f"train.keep_best = {key!r} is none of the figures: {', '.join(verdict.figures)}")
        if self.best is None or key is None or verdict.figures[key] >= self.best[0].figures[key]:
            weights = self.average.module.state_dict()
            self.best = verdict, {name: tensor.detach().clone() for name, tensor in weights.items()}
            self.best_step = self.step
        self.judged_at = self.step

    def _schedule(self, player: str, optimizer: torch.optim.Optimizer) -> Any:
        table = self.recipe.optimizer[player]
        return create_scheduler_v2(
            optimizer,
            sched=table.schedule,
            num_epochs=self.recipe.train.epochs,
            warmup_epochs=table.warmup_epochs,  # type: ignore[arg-type]  # a fraction works as well
            warmup_lr=table.lr / 100,
            step_on_epochs=False,
            updates_per_epoch=self.steps_per_epoch,
        )[0]

    def save(self) -> None:
        """Write the whole state of the run."""
        self.saved_at = time.monotonic()
        if not self.accelerator.is_main_process:
            return
        tensors = state.pack("average", self.average.module)
        for name, net in self.nets.items():
            tensors |= state.pack(f"net.{name}", self.accelerator.unwrap_model(net))
            tensors |= state.pack_optimizer(f"optimizer.{name}", self.optimizers[name].optimizer)
        facts: dict[str, Any] = {"step": self.step, "seconds": self.seconds}
        facts |= {"best_step": self.best_step, "judged_at": self.judged_at}
        if self.best:
            verdict, weights = self.best
            facts["best"] = {"figures": dict(verdict.figures), "config": dict(verdict.config)}
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
        self.judged_at = int(facts.get("judged_at", -1))  # older states don't say: they are evaluated again
        self.average.module.load_state_dict(state.unpack(tensors, "average"))
        for name, net in self.nets.items():
            self.accelerator.unwrap_model(net).load_state_dict(state.unpack(tensors, f"net.{name}"))
            state.unpack_optimizer(self.optimizers[name].optimizer, tensors, f"optimizer.{name}")
        if "best" in facts:
            self.best = Verdict(**facts["best"]), state.unpack(tensors, "best")
        self.run.forget_after(self.step)
        return True
