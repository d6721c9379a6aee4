"""`zoo eval` of models that only generate: what stands beside their samples, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny import write_checkpoint
from torchvision.models import inception_v3
from vaes import write_vae

import zoo
from zoo.catalog.registry import Registry
from zoo.errors import NotFoundError, UnsafeFileError, UnsupportedCapability, UsageError
from zoo.evaluation import generators
from zoo.evaluation.evaluate import Evaluation, evaluate
from zoo.evaluation.inception import Inception
from zoo.evaluation.options import Options


@pytest.fixture
def digits(tmp_path: Path) -> str:
    """Gray pictures of 4x4 in two splits."""
    images = np.random.default_rng(0).integers(0, 256, (60, 4, 4), dtype=np.uint8)
    np.savez(tmp_path / "digits.npz", images=images, train=np.arange(40), test=np.arange(40, 60))
    return f"npz:{tmp_path / 'digits.npz'}"


def write_gan(folder: Path, name: str = "tiny.gan") -> Path:
    """A checkpoint that only decodes: a VAE's without its encoder."""
    write_vae(folder, id=name)
    (folder / "encode.onnx").unlink()
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del config["capabilities"]["encode"]
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return folder


def write_net(folder: Path, kind: str = "attributes") -> Path:
    """A feature network of one feature, and an answer."""
    labels = ["bright"] if kind == "attributes" else ["one"]
    return write_vae(folder, outputs=("mean",), config={"labels": labels, "kind": kind})


def measured(folder: Path, data: str, **options: object) -> Evaluation:
    return evaluate(f"dir:{folder}", Registry.discover(), data, "test", Options(**options))


def test_samples_are_compared_with_held_out_images_and_others(tmp_path: Path, digits: str) -> None:
    net = write_net(tmp_path / "net")
    gan, other = write_gan(tmp_path / "gan"), write_gan(tmp_path / "other", "tiny.other-gan")
    metrics = measured(gan, digits, features=f"dir:{net}", against=(str(other),)).metrics
    figures = ("frechet", "precision", "recall", "diversity")
    assert [m.name for m in metrics] == [f"{f}{s}" for f in figures for s in ("", "_held_out", "_by_tiny_other_gan")]
    found = {metric.name: metric for metric in metrics}
    assert found["frechet"].value == found["frechet_by_tiny_other_gan"].value > found["frechet_held_out"].value
    assert found["recall_held_out"].value > 0.5
    assert {metric.n for metric in metrics} == {20}
    assert all(metric.baseline is not None for metric in metrics)
    protocol, command = metrics[0].protocol, metrics[0].command
    assert f"({found_sha(net)})" in protocol
    assert "20 samples of seed 0 beside 20 training pictures, all at 4 x 4" in protocol
    assert "tiny.other-gan: samples of those models" in protocol
    assert command.endswith(f"--split test --features dir:{net} --against {other}")


def found_sha(net: Path) -> str:
    sha: str = json.loads((net / "config.json").read_text(encoding="utf-8"))["weights"]["sha256"]
    return sha[:12]


def test_classes_are_counted_where_the_network_tells_classes(tmp_path: Path, digits: str) -> None:
    net, gan = write_net(tmp_path / "net", "classes"), write_gan(tmp_path / "gan")
    found = {metric.name: metric for metric in measured(gan, digits, features=f"dir:{net}", samples_n=8).metrics}
    assert found["frechet"].n == 8
    assert found["classes_found"].value == found["largest_class"].value == found["sure"].value == 1
    assert found["classes_found"].n == 256
    assert found["sure_held_out"].n == 20


def test_classes_of_known_answers() -> None:
    answers = np.array([[0.95, 0.05, 0], [0.8, 0.2, 0], [0.91, 0.05, 0.04], [0, 0.01, 0.99]], np.float32)
    assert generators.classes(answers) == {"classes_found": 2, "largest_class": 0.75, "sure": 0.75}


def test_the_baseline_has_the_training_mean_and_covariance() -> None:
    rng = np.random.default_rng(0)
    light = rng.normal(120, 15, (500, 1, 1, 2))
    pictures = np.concatenate([light, light + rng.normal(20, 5, light.shape)], axis=2).round().astype(np.uint8)
    made = generators.normal(pictures, 4000)
    assert made.shape == (4000, 1, 2, 2)
    assert made.dtype == np.uint8
    flat, true = (each.reshape(len(each), -1).astype(float) for each in (made, pictures))
    assert np.abs(flat.mean(axis=0) - true.mean(axis=0)).max() < 1.5
    assert np.cov(flat.T) == pytest.approx(np.cov(true.T), rel=0.12, abs=15)


def test_samples_of_another_size_are_brought_to_the_models(tmp_path: Path) -> None:
    model = zoo.load(f"dir:{write_gan(tmp_path / 'gan')}")
    assert generators.samples(model, 3, (0, 1, 8, 6)).shape == (3, 1, 8, 6)
    assert generators.samples(model, 3, (0, 1, 4, 4)).shape == (3, 1, 4, 4)


def test_what_does_not_apply_is_refused(tmp_path: Path, digits: str) -> None:
    gan, net = write_gan(tmp_path / "gan"), f"dir:{write_net(tmp_path / 'net')}"
    with pytest.raises(UsageError, match="--features"):
        measured(gan, digits)
    with pytest.raises(UsageError, match="measured by what it generates"):
        measured(gan, digits, features=net, transitions=True)
    with pytest.raises(UsageError, match="no feature network"):
        measured(gan, digits, features=f"dir:{gan}")
    with pytest.raises(UsageError, match="--against is for models that only generate"):
        measured(write_vae(tmp_path / "vae"), digits, against=("x",))
    with pytest.raises(UnsupportedCapability, match="can't generate"):
        measured(gan, digits, features=net, against=(str(write_checkpoint(tmp_path / "job")),))


def test_inception_is_used_when_its_weights_are_at_hand(
    tmp_path: Path, digits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Small(torch.nn.Module):
        """Two features of a picture of 299 x 299 in [-1, 1], and a last layer that is taken away."""

        def __init__(self, **_: object) -> None:
            super().__init__()
            self.fc = torch.nn.Linear(2, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert x.shape[1:] == (3, 299, 299)
            assert x.min() < -0.2 < 0.2 < x.max()
            return self.fc(torch.stack([x.mean((1, 2, 3)), x.std((1, 2, 3))], dim=1))

    monkeypatch.setattr("zoo.evaluation.inception.inception_v3", Small)
    weights = tmp_path / "inception.pth"
    with pytest.raises(NotFoundError, match="download"):
        Inception(weights)
    torch.save({"wrong": torch.zeros(1)}, weights)
    with pytest.raises(UnsafeFileError, match=r"does not fit torchvision.s inception_v3; 2 missing: fc\.bias"):
        Inception(weights)
    weights.write_bytes(b"\x80\x04cbuiltins\nprint\n.")
    with pytest.raises(UnsafeFileError, match="holds print besides tensors"):
        Inception(weights)
    torch.save(Small().state_dict(), weights)
    net = Inception(weights)
    assert net.features(np.random.default_rng(0).integers(0, 256, (2, 1, 4, 4), dtype=np.uint8)).shape == (2, 2)
    metrics = measured(write_gan(tmp_path / "gan"), digits, features=f"inception:{weights}", samples_n=6).metrics
    assert len(metrics) == 8
    assert net.text.startswith("torchvision's Inception v3 (")
    assert net.text in metrics[0].protocol


def test_torchvisions_inception_has_the_layer_to_remove() -> None:
    with torch.device("meta"):
        network = inception_v3(weights=None, init_weights=False, transform_input=False)
    assert network.fc.in_features == 2048
