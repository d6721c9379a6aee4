"""Optimizers: which weights Muon takes, and a state that is resumed bit for bit."""

from __future__ import annotations

import pytest
import torch
from timm.scheduler import create_scheduler_v2
from torch import nn

from zoo.errors import TrainingError
from zoo.recipes.recipe import OptimizerTable
from zoo.training.optimizers import optimizer_for
from zoo.training.state import pack_optimizer, unpack_optimizer

MUON = OptimizerTable(name="muon", lr=0.01, weight_decay=0.1, muon_side=8, fallback_scale=0.5)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Linear(16, 12), nn.Linear(12, 8))


def step(net: nn.Sequential, optimizer: torch.optim.Optimizer, seed: int) -> None:
    optimizer.zero_grad()
    net(torch.rand(5, 6, generator=torch.Generator().manual_seed(seed))).square().mean().backward()
    optimizer.step()


def test_large_matrices_and_vectors_are_left_to_adamw() -> None:
    net = network()
    optimizer = optimizer_for(net, MUON)
    step(net, optimizer, seed=0)
    by_muon = {name for name, p in net.named_parameters() if optimizer.state[p]["use_muon"]}
    assert by_muon == {"0.weight", "2.weight"}
    assert {group["fallback_lr_scale"] for group in optimizer.param_groups} == {0.5}
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert [decays[id(p)] for p in net.parameters()] == [0.1, 0.0] * 3


def test_its_state_resumes_bit_for_bit() -> None:
    unbroken = network()
    optimizer = optimizer_for(unbroken, MUON)
    step(unbroken, optimizer, seed=1)
    resumed = network()
    resumed.load_state_dict(unbroken.state_dict())
    second = optimizer_for(resumed, MUON)
    saved = {name: tensor.clone() for name, tensor in pack_optimizer("optimizer", optimizer).items()}
    unpack_optimizer(second, saved, "optimizer")
    for net, its in ((unbroken, optimizer), (resumed, second)):
        step(net, its, seed=2)
    for one, other in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_scales_are_refused_with_muon() -> None:
    with pytest.raises(ValueError, match="scales can't be used with muon"):
        OptimizerTable(name="muon", scales={"encoder": 0.1})


def test_scales_are_shares_of_the_rate_that_the_schedule_gives() -> None:
    net = network()
    optimizer = optimizer_for(net, OptimizerTable(lr=0.01, weight_decay=0.1, scales={"0.": 0.1}))
    schedule, _ = create_scheduler_v2(
        optimizer, sched="cosine", num_epochs=2, step_on_epochs=False, updates_per_epoch=5
    )
    schedule.step_update(5)
    found = {id(p): (group["lr"], group["weight_decay"]) for group in optimizer.param_groups for p in group["params"]}
    rates, decays = zip(*(found[id(p)] for p in net.parameters()), strict=True)
    assert rates == pytest.approx([0.0005] * 2 + [0.005] * 4)
    assert decays == (0.1, 0.0) * 3


def test_scales_of_no_parameter_are_refused() -> None:
    with pytest.raises(TrainingError, match=r"scales\.decoder"):
        optimizer_for(network(), OptimizerTable(scales={"decoder": 0.1}))
