"""8-bit weights at export: where the pictures stay as they are, and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from zoo.catalog.registry import Registry
from zoo.checkpoints.format import read_checkpoint
from zoo.inference.backends.onnx import OnnxBackend
from zoo.inference.backends.torch import TorchBackend
from zoo.recipes.recipe import ModelTable
from zoo.testing.checkpoints import work_findings
from zoo.training.biases import channel_means, correct
from zoo.training.eight_bits import LEVEL, choose, large_weights, quantized
from zoo.training.export import export
from zoo.training.importing import import_weights, table_for
from zoo.weights.reading import read_safetensors
from zoo_dense_vae.config import DenseVAEConfig
from zoo_dense_vae.network import DenseVAE

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.checkpoints.format import Checkpoint

CONFIG = DenseVAEConfig(size=16, channels=1, hidden=(64,), latent=3)
TABLE = ModelTable(id="dense-vae.test", family="dense-vae", summary="Nothing", license="MIT")
LARGE = {"decoder.2.weight", "encoder.1.weight"}


def test_each_row_is_rounded_by_a_scale_of_its_own() -> None:
    rng = torch.Generator().manual_seed(0)
    weight = torch.randn(5, 4, 3, 3, generator=rng) * torch.tensor([1e-3, 1.0, 50.0, 0.0, 1.0]).view(-1, 1, 1, 1)
    found = quantized(weight)
    assert (found.whole.dtype, found.whole.shape, found.scale.shape) == (torch.int8, weight.shape, (5,))
    error = (found.weight() - weight).flatten(1).square().mean(dim=1).sqrt()
    largest = weight.flatten(1).abs().amax(dim=1)
    assert (error <= largest / 127 / 12**0.5 * 1.2).all()
    assert (found.weight()[3] == 0).all()
    assert found.scale[3] == 1
    torch.testing.assert_close(quantized(weight[1:2]).weight()[0], found.weight()[1], rtol=0, atol=0)


def test_a_scale_may_cut_off_what_stands_out() -> None:
    row = torch.cat([torch.linspace(-1, 1, 5000), torch.tensor([1.3])])[None]
    found = quantized(row)
    plain = (row / 1.3 * 127).round() * 1.3 / 127
    assert found.scale[0] < 1.3 / 127
    assert (found.weight() - row).square().sum() < (plain - row).square().sum()


class Sensitive(nn.Module):
    """The sum of a plain layer and one that is multiplied so that 8 bits of it show."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.plain, self.strong = nn.Linear(64, 64), nn.Linear(64, 64)
        self.short, self.small = nn.Parameter(torch.randn(512, 8)), nn.Linear(16, 16)
        self.register_buffer("table", torch.randn(64, 64))
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return (self.plain(x) + self.factor * self.strong(x)) / 8


def chosen(network: nn.Module) -> tuple[set[str], float]:
    """Names of the weights in 8 bits, and by how much the answer has changed."""
    x = torch.rand(16, 64, generator=torch.Generator().manual_seed(0))
    full = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    with torch.no_grad():
        before = network(x)
        found = choose(network, full, lambda: {"translate": (network(x),)}, corrected=False)
        change = (network(x) - before).abs()
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, found[name].weight() if name in found else full[name])
    return set(found), float(change.mean())


@pytest.mark.parametrize(("factor", "wanted"), [(1.0, {"plain.weight", "strong.weight"}), (1000.0, {"plain.weight"})])
def test_the_most_sensitive_weight_stays_in_half(factor: float, wanted: set[str]) -> None:
    torch.manual_seed(0)
    names, change = chosen(Sensitive(factor))
    assert names == wanted
    assert 0 < change <= LEVEL


def test_no_weight_is_chosen_where_each_shows() -> None:
    torch.manual_seed(0)
    network = Sensitive(1000.0)
    network.plain.weight.data *= 1000
    assert chosen(network) == (set(), 0.0)


def test_a_weight_whose_scales_have_no_name_is_not_tried() -> None:
    torch.manual_seed(0)
    network = nn.Module()
    network.table = nn.ParameterDict({"weight": torch.randn(64, 64)})
    network.other = nn.Linear(64, 64)
    network.other.add_module("weight_", nn.Identity())
    state = dict.fromkeys(("table.weight", "table.weight.scale", "other.weight"))
    assert large_weights(network, state) == ["other.weight"]


def test_biases_keep_the_means_of_channels() -> None:
    torch.manual_seed(0)
    first, second, last = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 8, 3, bias=False), nn.Linear(8 * 16, 5)
    network = nn.Sequential(first, nn.ReLU(), second, nn.BatchNorm2d(8), nn.Flatten(), nn.ReLU(), last).eval()
    x = torch.rand(16, 1, 8, 8)
    with torch.no_grad():
        before = network(x).mean(dim=0)
        means = channel_means(network, lambda: network(x))
        for layer in (first, second, last):
            layer.weight.data = layer.weight.sign() * 0.2
        assert (network(x).mean(dim=0) - before).abs().max() > 0.1
        correct(network, means, lambda: network(x))
        torch.testing.assert_close(network(x).mean(dim=0), before, atol=1e-3, rtol=0)
    assert torch.equal(last.bias, last.bias.half().float())


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("exported") / "checkpoint"
    pictures = torch.rand(4, 1, 20, 20, generator=torch.Generator().manual_seed(1))
    export(DenseVAE(CONFIG), CONFIG, TABLE, "dense-vae", None, folder, pictures=pictures)
    return read_checkpoint(folder, "exported")


def test_large_weights_are_exported_in_8_bits(exported: Checkpoint) -> None:
    assert (exported.config.format, exported.config.weights.dtype) == (3, "int8")
    kinds = {name: info.dtype for name, info in exported.tensors.items()}
    whole = {name for name, kind in kinds.items() if kind == "int8"}
    assert whole == LARGE
    assert {name for name, kind in kinds.items() if kind == "float32"} == {f"{name}.scale" for name in LARGE}
    network = DenseVAE(CONFIG)
    assert exported.config.weights.parameters == sum(p.numel() for p in network.parameters())


def test_both_backends_have_the_same_8_bit_weights(exported: Checkpoint) -> None:
    family = Registry.discover().family("dense-vae")
    torch_backend = TorchBackend(exported, family, "cpu")
    arrays, state = exported.arrays(), torch_backend.network.state_dict()
    for name in LARGE:
        np.testing.assert_array_equal(arrays[name], state[name].numpy())
    picture = np.random.default_rng(0).random((3, 1, 16, 16), np.float32)
    answers = OnnxBackend(exported).run("encode", picture)
    for made, wanted in zip(answers, torch_backend.run("encode", picture), strict=True):
        np.testing.assert_allclose(made, wanted, atol=1e-5)
    assert all(finding.passed for finding in work_findings(exported, family))


def test_8_bit_weights_are_imported_as_what_they_stand_for(exported: Checkpoint, tmp_path: Path) -> None:
    file = exported.folder / "model.safetensors"
    found = read_safetensors(file)
    arrays = exported.arrays()
    assert found.keys() == arrays.keys()
    for name, array in found.items():
        np.testing.assert_array_equal(array, arrays[name].astype(np.float32))
    family = Registry.discover().family("dense-vae")
    table = table_for("dense-vae", file, config=msgspec.to_builtins(CONFIG))
    written = import_weights(file, family, table, tmp_path / "again")
    assert written.weights.parameters == exported.config.weights.parameters
    again = load_file(tmp_path / "again" / "model.safetensors")
    assert {name for name, tensor in again.items() if tensor.dtype == torch.int8} == LARGE
