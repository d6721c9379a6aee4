"""`scales` of an optimizer: parameters that are frozen, and a state that is resumed bit for bit."""

from __future__ import annotations

import torch
from torch import nn

from zoo.recipes.recipe import OptimizerTable
from zoo.training.optimizers import optimizer_for
from zoo.training.state import pack_optimizer, unpack_optimizer

TABLE = OptimizerTable(lr=0.01, weight_decay=0.1, scales={"0.": 0.1})


def network() -> nn.Sequential:
    """Three layers, of which the second learns nothing."""
    torch.manual_seed(0)
    made = nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2))
    made[1].requires_grad_(False)
    return made


def step(net: nn.Sequential, optimizer: torch.optim.Optimizer, seed: int) -> None:
    optimizer.zero_grad()
    net(torch.rand(5, 4, generator=torch.Generator().manual_seed(seed))).square().mean().backward()
    optimizer.step()


def test_parameters_without_gradients_are_in_no_group() -> None:
    net = network()
    optimizer = optimizer_for(net, TABLE)
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert held == {id(parameter) for layer in (net[0], net[2]) for parameter in layer.parameters()}


def test_a_step_leaves_parameters_without_gradients() -> None:
    net = network()
    before = [parameter.clone() for parameter in net.parameters()]
    step(net, optimizer_for(net, TABLE), seed=0)
    same = [torch.equal(one, other) for one, other in zip(before, net.parameters(), strict=True)]
    assert same == [False, False, True, True, False, False]


def test_the_state_of_scaled_groups_resumes_bit_for_bit() -> None:
    unbroken = network()
    optimizer = optimizer_for(unbroken, TABLE)
    step(unbroken, optimizer, seed=1)
    resumed = network()
    resumed.load_state_dict(unbroken.state_dict())
    second = optimizer_for(resumed, TABLE)
    unpack_optimizer(
        second, {name: tensor.clone() for name, tensor in pack_optimizer("optimizer", optimizer).items()}, "optimizer"
    )
    for net, its in ((unbroken, optimizer), (resumed, second)):
        step(net, its, seed=2)
    for one, other in zip(unbroken.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)
