"""Optimizers: which weights Muon takes, and a state that goes on bit for bit."""

from __future__ import annotations

import torch
from torch import nn

from zoo.training.optimizers import optimizer_for
from zoo.training.recipe import OptimizerTable
from zoo.training.state import pack_optimizer, unpack_optimizer

MUON = OptimizerTable(name="muon", lr=0.01, weight_decay=0.1, muon_side=8, fallback_scale=0.5)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 16), nn.Linear(16, 12), nn.Linear(12, 8))


def step(net: nn.Sequential, optimizer: torch.optim.Optimizer, seed: int) -> None:
    optimizer.zero_grad()
    net(torch.rand(5, 6, generator=torch.Generator().manual_seed(seed))).square().mean().backward()
    optimizer.step()


def test_matrices_with_two_long_sides_and_vectors_are_left_to_adamw() -> None:
    net = network()
    optimizer = optimizer_for(net, MUON)
    step(net, optimizer, seed=0)
    by_muon = {name for name, p in net.named_parameters() if optimizer.state[p]["use_muon"]}
    assert by_muon == {"0.weight", "2.weight"}
    assert {group["fallback_lr_scale"] for group in optimizer.param_groups} == {0.5}
    decays = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
    assert [decays[id(p)] for p in net.parameters()] == [0.1, 0.0] * 3


def test_its_state_goes_on_bit_for_bit() -> None:
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
