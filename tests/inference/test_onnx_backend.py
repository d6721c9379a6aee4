"""The ONNX backend: the right answers, opened late and once, quiet, and nothing computed that is too large."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from onnx import helper
from tiny import WEIGHTS, expected, make_model, write_checkpoint

from zoo.checkpoints.format import Checkpoint, read_checkpoint
from zoo.checkpoints.onnx import graphs
from zoo.checkpoints.onnx.graphs import trace
from zoo.errors import PluginError, UnsafeFileError, UnsupportedCapability, UsageError
from zoo.inference.backends import open_backend
from zoo.inference.backends.onnx import OnnxBackend

RNG = np.random.default_rng(0)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Checkpoint:
    return read_checkpoint(write_checkpoint(tmp_path / "tiny"), "dir:tiny")


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (3, 1, 5, 7), (2, 1, 1, 64)])
def test_a_run_gives_what_the_network_gives(checkpoint: Checkpoint, shape: tuple[int, ...]) -> None:
    image = RNG.random(shape, np.float32)
    (found,) = open_backend("onnx", checkpoint).run("translate", image)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(image), atol=1e-6)


def test_float32_weights_run_too(tmp_path: Path) -> None:
    weights = {name: array.astype(np.float32) for name, array in WEIGHTS.items()}
    folder = write_checkpoint(tmp_path, make_model(weights=weights), weights)
    image = RNG.random((2, 1, 3, 3), np.float32)
    (found,) = OnnxBackend(read_checkpoint(folder, "tiny")).run("translate", image)
    np.testing.assert_allclose(found, expected(image), atol=1e-6)


def test_inputs_of_any_layout_and_type_are_taken(checkpoint: Checkpoint) -> None:
    image = RNG.random((2, 1, 6, 4)).transpose(0, 1, 3, 2)
    (found,) = OnnxBackend(checkpoint).run("translate", image)
    np.testing.assert_allclose(found, expected(image), atol=1e-6)


def test_the_verified_bytes_run_even_if_the_files_change(checkpoint: Checkpoint) -> None:
    for file in checkpoint.folder.iterdir():
        file.write_bytes(b"")
    image = RNG.random((1, 1, 2, 2), np.float32)
    np.testing.assert_allclose(OnnxBackend(checkpoint).run("translate", image)[0], expected(image), atol=1e-6)


def test_a_graph_is_opened_when_first_run_and_only_once(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, real = [], onnxruntime.InferenceSession

    def count(*arguments: object, **options: object) -> object:
        opened.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", count)
    backend = OnnxBackend(checkpoint)
    assert not opened
    image = RNG.random((1, 1, 8, 8), np.float32)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: backend.run("translate", image)[0], range(8)))
    assert len(opened) == 1
    for answer in answers:
        np.testing.assert_allclose(answer, expected(image), atol=1e-6)


def test_a_capability_without_a_graph_is_not_run(checkpoint: Checkpoint) -> None:
    with pytest.raises(UnsupportedCapability, match="no graph for 'encode'"):
        OnnxBackend(checkpoint).run("encode", np.zeros((1, 1, 4, 4), np.float32))


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (1, 4, 4), (1, 1, 1, 4, 4), (0, 1, 4, 4), (1, 1, 0, 4), ()])
def test_an_input_of_another_shape_is_a_wrong_request(checkpoint: Checkpoint, shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match=r"takes \(None, 1, None, None\), not an array of shape"):
        OnnxBackend(checkpoint).run("translate", np.zeros(shape, np.float32))


def test_an_input_that_needs_too_much_memory_is_refused(checkpoint: Checkpoint) -> None:
    image = np.broadcast_to(np.float32(0), (1, 1, 20_000, 20_000))  # 4 bytes that look like 1.5 GiB
    with pytest.raises(UsageError, match=r"would need 8\.9 GiB .* smaller picture"):
        OnnxBackend(checkpoint).run("translate", image)


@pytest.mark.parametrize(("allowed", "batches"), [(64, [64]), (63, [63, 1]), (20, [20, 20, 20, 4]), (1, [1] * 64)])
def test_a_batch_is_run_in_the_largest_parts_allowed(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch, allowed: int, batches: list[int]
) -> None:
    backend, found = OnnxBackend(checkpoint), []
    run = backend._run
    monkeypatch.setattr(backend, "_run", lambda role, *given: found.append(len(given[0])) or run(role, *given))
    most = trace(checkpoint.graph("translate")[1], (allowed, 1, 5, 4)).total
    monkeypatch.setattr(graphs, "MAX_TOTAL_BYTES", most)
    images = RNG.random((64, 1, 5, 4), np.float32)
    np.testing.assert_allclose(backend.run("translate", images)[0], expected(images), atol=1e-6)
    assert found == batches


def test_a_batch_is_refused_where_one_item_is_too_large(
    checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = trace(checkpoint.graph("translate")[1], (1, 1, 5, 4)).peak
    monkeypatch.setattr(graphs, "MAX_PEAK_BYTES", most - 1)
    with pytest.raises(UsageError, match=r"for an input of shape \(1, 1, 5, 4\)"):
        OnnxBackend(checkpoint).run("translate", np.zeros((9, 1, 5, 4), np.float32))


def test_a_size_that_does_not_fit_the_network_is_a_usage_error(tmp_path: Path) -> None:
    halves = helper.make_node("SpaceToDepth", ["features"], ["deep"], blocksize=2)
    whole = helper.make_node("DepthToSpace", ["deep"], ["translated"], blocksize=2)
    folder = write_checkpoint(tmp_path, make_model([make_model().graph.node[-2], halves, whole]))
    backend = OnnxBackend(read_checkpoint(folder, "dir:tiny"))
    assert backend.run("translate", np.zeros((1, 1, 4, 6), np.float32))[0].shape == (1, 3, 4, 6)
    with pytest.raises(UsageError, match=r"translate\.onnx: node 3 \(SpaceToDepth\): blocksize 2: an input of shape"):
        backend.run("translate", np.zeros((1, 1, 4, 5), np.float32))


def test_a_device_is_known_or_refused(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for device in ("auto", "cpu"):
        assert OnnxBackend(checkpoint, device).run("translate", np.zeros((1, 1, 2, 2), np.float32))
    with pytest.raises(UsageError, match="no device 'tpu'"):
        open_backend("onnx", checkpoint, "tpu")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(UsageError, match="has no CUDA"):
        open_backend("onnx", checkpoint, "cuda")


def test_an_unknown_backend_and_a_missing_family_say_so(checkpoint: Checkpoint) -> None:
    with pytest.raises(UsageError, match="no backend 'tf'"):
        open_backend("tf", checkpoint)  # type: ignore[arg-type]
    with pytest.raises(PluginError, match="needs the family 'tiny'"):
        open_backend("torch", checkpoint)


def test_an_error_of_the_runtime_is_one_line(checkpoint: Checkpoint, capfd: pytest.CaptureFixture[str]) -> None:
    spoilt = dataclasses.replace(checkpoint, graphs={"translate.onnx": b"\x08\x0a"})
    with pytest.raises(UnsafeFileError, match=r"^dir:tiny: translate\.onnx: ONNX Runtime refuses it: ") as caught:
        OnnxBackend(spoilt).run("translate", np.zeros((1, 1, 2, 2), np.float32))
    assert "\n" not in str(caught.value)
    # A row that is not there: only known when it runs.
    rows = helper.make_node("Gather", ["features", "far"], ["row"], axis=1)
    both = helper.make_node("Add", ["features", "row"], ["translated"])
    model = make_model([make_model().graph.node[-2], rows, both], {"far": np.int64([7])})
    folder = write_checkpoint(checkpoint.folder.parent / "far", model)
    with pytest.raises(UnsafeFileError, match="ONNX Runtime refuses it: ") as caught:
        OnnxBackend(read_checkpoint(folder, "dir:far")).run("translate", np.zeros((1, 1, 2, 2), np.float32))
    assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")


def test_outputs_of_an_unexpected_shape_are_refused(checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = OnnxBackend(checkpoint)
    monkeypatch.setattr(backend, "_expected", lambda role, shape: ((1, 3, 9, 9),))
    with pytest.raises(UnsafeFileError, match="where its operators give"):
        backend.run("translate", np.zeros((1, 1, 2, 2), np.float32))


def test_the_number_of_threads_changes_no_answer(checkpoint: Checkpoint) -> None:
    image = np.random.default_rng(0).random((2, 1, 9, 7), dtype=np.float32)
    answers = []
    for threads in (1, 2):
        backend = OnnxBackend(checkpoint)
        backend.limit_threads(threads)
        answers.append(backend.run("translate", image)[0])
    assert np.array_equal(*answers)
