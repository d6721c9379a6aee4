"""Others' weights as checkpoints: what public scripts or Keras write gives the same pictures, or is refused by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from zoo.catalog import Registry
from zoo.catalog.families import configured
from zoo.catalog.registry import load_object
from zoo.checkpoints.format import read_checkpoint
from zoo.errors import NotFoundError, UnsafeFileError, UsageError
from zoo.inference.backends.onnx import OnnxBackend
from zoo.training.importing import import_weights, load_weights, table_for
from zoo.weights.keras import read_layers
from zoo.weights.reading import without_prefix

h5py = pytest.importorskip("h5py")

COLORIZER = {"channels": 8, "size": 32}
VAE = {
    "size": 16,
    "latent": 6,
    "encoder": (4, 6),
    "encoder_strides": (2, 2),
    "decoder": (6, 4),
    "decoder_strides": (2, 2),
}
PIX = {"channels": 4, "depth": 4, "norm": "batch"}


def network_of(family: str, settings: Mapping[str, Any]) -> nn.Module:
    """A network of the family with random weights, running statistics too."""
    torch.manual_seed(0)
    known = Registry.discover().family(family)
    network: nn.Module = load_object(known.network)(configured(known, settings))
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.rand(module.num_features) - 0.5
            module.running_var = torch.rand(module.num_features) + 0.5
            nn.init.normal_(module.weight, 1.0, 0.1)
            nn.init.normal_(module.bias, 0.0, 0.1)
    return network.eval()


def check_import(file: Path, family: str, settings: Mapping[str, Any], expected: nn.Module, folder: Path) -> None:
    """The imported network answers as the expected one, and so, up to a level of a picture, does the checkpoint."""
    known = Registry.discover().family(family)
    table = table_for(family, file, config=settings, license="MIT", summary="Someone's")
    network, config = load_weights(file, known, table)
    image = config.interface().takes("translate")
    pictures = torch.rand(2, image.channels, *(image.size or (32, 32)))
    with torch.no_grad():
        wanted, loaded = expected.translate(pictures), network.eval().translate(pictures)  # type: ignore[operator]
    assert float((loaded - wanted).abs().max()) < 1e-4
    import_weights(file, known, table, folder)
    checkpoint = read_checkpoint(folder, "imported")
    assert (checkpoint.config.license, checkpoint.config.training) == ("MIT", None)
    (made,) = OnnxBackend(checkpoint).run("translate", pictures.numpy())
    assert np.abs(made - wanted.numpy()).max() < 1.5 / 255


# What Keras would write: its layout, its order, its names.


def flattened(picture: Tensor) -> Tensor:
    """Rows for (channels, height, width) as rows for (height, width, channels)."""
    return picture.permute(1, 2, 0, *range(3, picture.dim())).reshape(-1, *picture.shape[3:])


def keras_arrays(module: nn.Module, taken: tuple[int, ...] | None, made: tuple[int, ...] | None) -> dict[str, Tensor]:
    state = module.state_dict()
    if isinstance(module, nn.BatchNorm2d):
        variance = state["running_var"] + module.eps - 1e-3
        values = (state["weight"], state["bias"], state["running_mean"], variance)
        return dict(zip(("gamma:0", "beta:0", "moving_mean:0", "moving_variance:0"), values, strict=True))
    kernel, bias = state["weight"], state["bias"]
    if isinstance(module, nn.Linear):
        kernel = kernel.T
        kernel = flattened(kernel.reshape(*taken, -1)) if taken else kernel
        kernel = flattened(kernel.T.reshape(*made, -1)).T if made else kernel
        bias = flattened(bias.reshape(made)) if made else bias
        return {"kernel:0": kernel, "bias:0": bias}
    return {"kernel:0": kernel.permute(2, 3, 1, 0), "bias:0": bias}


def write_keras(file: Path, network: nn.Module, shapes: Mapping[str, Any]) -> None:
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm2d)
    layers = [(name, module) for name, module in network.named_modules() if isinstance(module, kinds)]
    with h5py.File(file, "w") as opened:
        opened.attrs["layer_names"] = ["input_1", *(name for name, _ in layers)]
        opened.create_group("input_1").attrs["weight_names"] = []
        for name, module in layers:
            arrays = keras_arrays(module, *shapes.get(name, (None, None)))
            group = opened.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{key}" for key in arrays]
            for key, value in arrays.items():
                group[f"{name}/{key}"] = value.numpy()


@pytest.mark.parametrize("padding", ["even", "end"])
def test_keras_weights_of_the_colorizer_give_its_pictures(tmp_path: Path, padding: str) -> None:
    settings = {**COLORIZER, "padding": padding}
    network = network_of("colorizer-ae", settings)
    write_keras(tmp_path / "paint.h5", network, {})
    check_import(tmp_path / "paint.h5", "colorizer-ae", settings, network, tmp_path / "out")


@pytest.mark.parametrize("padding", ["even", "end"])
def test_keras_weights_are_reordered_where_a_network_flattens(tmp_path: Path, padding: str) -> None:
    settings = {**VAE, "padding": padding}
    network = network_of("conv-vae", settings)
    shapes = {"mean": ((6, 4, 4), None), "log_variance": ((6, 4, 4), None), "decoder.0": (None, (6, 4, 4))}
    write_keras(tmp_path / "faces.h5", network, shapes)
    check_import(tmp_path / "faces.h5", "conv-vae", settings, network, tmp_path / "out")


class Level(nn.Module):
    """One level of the U-Net as the public pix2pix scripts nest and name them: it answers beside what it was given."""

    def __init__(
        self, norm: type[nn.Module], outer: int, inner: int, inside: nn.Module | None, given: int | None = None
    ) -> None:
        super().__init__()
        self.outermost = given is not None
        biased = norm is nn.InstanceNorm2d
        down = nn.Conv2d(given or outer, inner, 4, 2, 1, bias=biased)
        up = nn.ConvTranspose2d(inner * (2 if inside else 1), outer, 4, 2, 1, bias=biased or self.outermost)
        if self.outermost:
            layers = [down, inside, nn.ReLU(), up, nn.Tanh()]
        elif inside is None:
            layers = [nn.LeakyReLU(0.2), down, nn.ReLU(), up, norm(outer)]
        else:
            layers = [nn.LeakyReLU(0.2), down, norm(inner), inside, nn.ReLU(), up, norm(outer)]
        self.model = nn.Sequential(*[layer for layer in layers if layer is not None])

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.model(x)
        return made if self.outermost else torch.cat([x, made], 1)


class PublicGenerator(nn.Module):
    """The U-Net of those scripts, four levels deep; instance norm is theirs without parameters."""

    def __init__(self, norm: type[nn.Module] = nn.BatchNorm2d) -> None:
        super().__init__()
        inside: nn.Module | None = None
        for outer, inner in ((16, 32), (8, 16), (4, 8)):
            inside = Level(norm, outer, inner, inside)
        self.model = Level(norm, 3, 4, inside, given=3)

    def translate(self, x: Tensor) -> Tensor:
        made: Tensor = (self.model(x * 2 - 1) + 1) / 2
        return made


@pytest.fixture(scope="module")
def generator() -> nn.Module:
    torch.manual_seed(1)
    made = PublicGenerator()
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return made.eval()


@pytest.mark.parametrize("kind", ["latest_net_G.pth", "legacy.pth", "net.safetensors"])
def test_the_public_pix2pix_generator_gives_the_same_images(tmp_path: Path, generator: nn.Module, kind: str) -> None:
    file = tmp_path / kind
    if kind == "net.safetensors":
        save_file(generator.state_dict(), file)
    else:
        torch.save(generator.state_dict(), file, _use_new_zipfile_serialization=kind != "legacy.pth")
    if kind == "latest_net_G.pth":
        check_import(file, "pix2pix", PIX, generator, tmp_path / "out")
    else:
        network, _ = load_weights(file, Registry.discover().family("pix2pix"), table_for("pix2pix", file, config=PIX))
        picture = torch.rand(1, 3, 32, 32)
        with torch.no_grad():
            assert torch.allclose(network.eval().translate(picture), generator.translate(picture), atol=1e-4)  # type: ignore[operator]


@pytest.mark.parametrize("statistics", [False, True])
def test_their_generator_with_instance_norm_too(tmp_path: Path, statistics: bool) -> None:
    """Its norms have no parameters; the statistics in old files are of no use."""
    torch.manual_seed(2)
    theirs = PublicGenerator(nn.InstanceNorm2d).eval()
    state = dict(theirs.state_dict())
    norms = [name for name, module in theirs.named_modules() if isinstance(module, nn.InstanceNorm2d)]
    if statistics:
        state |= {f"{name}.{part}": torch.rand(4) for name in norms for part in ("running_mean", "running_var")}
    torch.save(state, tmp_path / "latest_net_G.pth")
    settings = {**PIX, "norm": "instance"}
    check_import(tmp_path / "latest_net_G.pth", "pix2pix", settings, theirs, tmp_path / "out")


def without(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in state.items() if name != "model.model.0.weight"}


def extra(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**state, "surprise": torch.zeros(1)}


def narrow(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**state, "model.model.3.bias": torch.zeros(2)}


def infinite(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {**state, "model.model.3.bias": torch.full_like(state["model.model.3.bias"], float("inf"))}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (infinite, r"tensor up\.0\.1\.bias holds NaN or infinity"),
        (without, "1 missing: down.0.0.weight"),
        (extra, "1 left over: surprise"),
        (narrow, r"1 of another shape: up.0.1.bias is \(2,\) instead of \(3,\)"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_written(
    tmp_path: Path, generator: nn.Module, change: Callable[[dict[str, Tensor]], dict[str, Tensor]], words: str
) -> None:
    file = tmp_path / "net.safetensors"
    save_file(change(dict(generator.state_dict())), file)
    with pytest.raises(UnsafeFileError, match=words):
        import_weights(
            file, Registry.discover().family("pix2pix"), table_for("pix2pix", file, config=PIX), tmp_path / "out"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_missing_file_a_folder_in_use_and_a_bad_fact_are_said(tmp_path: Path) -> None:
    family, file = Registry.discover().family("pix2pix"), tmp_path / "a.pth"
    with pytest.raises(NotFoundError, match="there is no file"):
        import_weights(file, family, table_for("pix2pix", file), tmp_path / "out")
    with pytest.raises(UsageError, match="is in use"):
        (tmp_path / "b").write_bytes(b"")
        import_weights(file, family, table_for("pix2pix", file), tmp_path)
    with pytest.raises(UsageError, match="are not allowed in config"):
        table_for("pix2pix", file, id="Not An Id")


@pytest.mark.parametrize("prefix", ["module.", "netG.", "_orig_mod.", "model.", "net.", "module._orig_mod.", "G.x."])
@pytest.mark.parametrize("own", [True, False])
def test_what_wrappers_put_before_all_names_is_taken_off(
    tmp_path: Path, generator: nn.Module, prefix: str, own: bool
) -> None:
    family, file = Registry.discover().family("pix2pix"), tmp_path / "net.safetensors"
    table = table_for("pix2pix", file, config=PIX)
    save_file(generator.state_dict(), file)
    plain, _ = load_weights(file, family, table)
    state = plain.state_dict() if own else generator.state_dict()
    save_file({f"{prefix}{name}": tensor for name, tensor in state.items()}, file)
    loaded, _ = load_weights(file, family, table)
    assert all(torch.equal(tensor, plain.state_dict()[name]) for name, tensor in loaded.state_dict().items())


def test_names_that_fit_keep_what_they_share(generator: nn.Module) -> None:
    known = generator.state_dict().keys()
    state = {name: np.zeros(1, np.float32) for name in known}
    assert without_prefix(state, known).keys() == known
    unknown = {f"a.{name}": array for name, array in state.items()}
    assert without_prefix(unknown, {"else"}) == unknown
    assert without_prefix({"x": np.zeros(1, np.float32)}, {"y"}).keys() == {"x"}


def test_misfits_are_named_without_the_stripped_prefix(tmp_path: Path, generator: nn.Module) -> None:
    state = {f"module.{name}": tensor for name, tensor in without(dict(generator.state_dict())).items()}
    save_file(state, tmp_path / "net.safetensors")
    table = table_for("pix2pix", tmp_path / "net.safetensors", config=PIX)
    with pytest.raises(UnsafeFileError, match=r"fit the family's network; 1 missing: down\.0\.0\.weight"):
        load_weights(tmp_path / "net.safetensors", Registry.discover().family("pix2pix"), table)


def test_a_cut_keras_file_says_so(tmp_path: Path) -> None:
    network = network_of("colorizer-ae", COLORIZER)
    write_keras(tmp_path / "a.h5", network, {})
    data = (tmp_path / "a.h5").read_bytes()
    (tmp_path / "a.h5").write_bytes(data[: len(data) // 2])
    with pytest.raises(UnsafeFileError, match="is not a weights file of Keras, cut off or damaged: download it again"):
        read_layers(tmp_path / "a.h5")
