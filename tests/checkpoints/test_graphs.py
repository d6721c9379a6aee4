"""What is read in a graph: its promises, its cost, and bytes that are none. Hostile graphs have files of their own."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from damage import damaged
from hostile import edited
from onnx import helper
from tiny import WEIGHTS, make_model, port, write_checkpoint

from zoo.checkpoints.format import read_checkpoint
from zoo.checkpoints.onnx import graphs
from zoo.checkpoints.onnx.file import read_graph
from zoo.checkpoints.onnx.graphs import MAX_VALUE_BYTES, MAX_WORK, check_graph, trace
from zoo.errors import UnsafeFileError, UsageError, ZooError

N = helper.make_node
I64 = np.int64


def check(folder: Path) -> None:
    read_checkpoint(folder, origin="dir:tiny")


def test_a_number_beyond_32_bits_is_refused(tmp_path: Path) -> None:
    constant = onnx.TensorProto(name="c", data_type=onnx.TensorProto.INT32, dims=[1], int32_data=[-1])
    data = edited(lambda model: model.graph.initializer.append(constant)).SerializeToString()
    minus_one, five_and_more = b"\xff" * 9 + b"\x01", b"\x85" + b"\x80" * 8 + b"\x01"
    assert data.count(minus_one) == 1
    with pytest.raises(UnsafeFileError, match="does not hold exactly its numbers"):
        read_graph("t.onnx", data.replace(minus_one, five_and_more), tensors_of(tmp_path))


def tensors_of(folder: Path) -> Any:
    return read_checkpoint(write_checkpoint(folder), "tiny").tensors


def test_bytes_that_are_no_graph_are_refused(tmp_path: Path) -> None:
    tensors, data = tensors_of(tmp_path), make_model().SerializeToString()
    hostile = [b"", b"\x00", b"\x3a\x00", b"{}", data[:-1], data + data, b"\x3a\xff\xff\xff\xff\x0f" + data]
    # A subgraph in a subgraph and so on, 1,000 deep: node (1), attribute (5), graph (6).
    nested = b""
    for _ in range(1000):
        for tag in (b"\x32", b"\x2a", b"\x0a"):
            nested = tag + varint(len(nested)) + nested
    hostile.append(b"\x3a" + varint(len(nested)) + nested)
    for bad in hostile:
        with pytest.raises(UnsafeFileError, match=r"^t\.onnx "):
            read_graph("t.onnx", bad, tensors)
    with pytest.raises(UnsafeFileError, match="at most 4194304"):
        read_graph("t.onnx", data + b"\x32" + varint(2**22) + bytes(2**22), tensors)


def varint(number: int) -> bytes:
    digits = []
    while number > 0x7F:
        digits.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*digits, number])


@pytest.mark.parametrize("seed", range(4))
def test_a_randomly_changed_graph_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    checkpoint = read_checkpoint(write_checkpoint(tmp_path), "tiny")
    original, rng, refusals = checkpoint.graphs["translate.onnx"], random.Random(seed), 0
    interface = checkpoint.config.interface
    for _ in range(150):
        try:
            check_graph("t.onnx", damaged(original, rng)[0], checkpoint.tensors, "translate", interface)
        except ZooError as error:
            assert isinstance(error, UnsafeFileError)
            assert "\n" not in str(error)
            refusals += 1
    assert refusals > 75


def test_every_promise_of_the_config_is_compared_with_the_graph(tmp_path: Path) -> None:
    image = {"channels": 1, "size": [8, 6]}
    promise = {"graph": "translate.onnx", "sha256": "0" * 64, "input": image, "fit": "resize"}
    good = {"translate": promise | {"output": {"channels": 3, "size": [8, 6]}}}
    check(write_checkpoint(tmp_path, capabilities=good))
    for wrong in ({"channels": 1, "size": [8, 6]}, {"channels": 3, "size": [6, 8]}):
        with pytest.raises(UnsafeFileError, match=r"config\.json says"):
            check(write_checkpoint(tmp_path, capabilities={"translate": promise | {"output": wrong}}))


def autoencoder(latent: int, outputs: tuple[str, ...] = ("mean", "log_variance")) -> dict[str, onnx.ModelProto]:
    """Graphs that encode 4x4 pictures to `latent` numbers, draw these from noise, and decode them."""
    weights = {"w": np.ones((16, latent), np.float16)}
    flat = N("Flatten", ["image"], ["row"])
    back = [N("MatMul", ["latent", "turned"], ["row"]), N("Reshape", ["row", "shape"], ["image"])]
    return {
        "encode": make_model(
            [flat, *(N("MatMul", ["row", "w"], [name]) for name in outputs)],
            inputs=[port("image", ["n", 1, 4, 4])],
            outputs=[port(name, ["n", latent]) for name in outputs],
            weights=weights,
        ),
        "decode": make_model(
            [N("Transpose", ["w"], ["turned"]), *back],
            {"shape": I64([-1, 1, 4, 4])},
            inputs=[port("latent", ["n", latent])],
            outputs=[port("image", ["n", 1, 4, 4])],
            weights=weights,
        ),
        "sample": make_model(
            [N("Neg", ["noise"], ["latent"])],
            inputs=[port("noise", ["n", latent])],
            outputs=[port("latent", ["n", latent])],
            weights={},
        ),
    }


def write_autoencoder(folder: Path, models: dict[str, onnx.ModelProto], latent: int) -> Path:
    image = {"channels": 1, "size": [4, 4]}
    zero = "0" * 64
    return write_checkpoint(
        folder,
        models,
        {"w": np.ones((16, 3), np.float16)},
        latent={
            "shape": [latent],
            "prior": "sampler",
            "sampler": {"graph": "sample.onnx", "sha256": zero, "noise": [latent]},
        },
        capabilities={
            "encode": {"graph": "encode.onnx", "sha256": zero, "input": image, "fit": "resize"},
            "decode": {"graph": "decode.onnx", "sha256": zero, "output": image},
        },
    )


@pytest.mark.parametrize("outputs", [("mean",), ("mean", "log_variance")])
def test_an_encoder_gives_a_mean_and_may_give_a_variance(tmp_path: Path, outputs: tuple[str, ...]) -> None:
    folder = write_autoencoder(tmp_path, autoencoder(3, outputs), 3)
    assert set(read_checkpoint(folder, "tiny").graphs) == {"encode.onnx", "decode.onnx", "sample.onnx"}


@pytest.mark.parametrize(
    ("latent", "outputs", "word"),
    [
        (4, ("mean",), "config.json says (4,)"),
        (3, ("log_variance",), "outputs log_variance"),
        (3, ("log_variance", "mean"), "outputs log_variance, mean"),
        (3, ("mean", "log_variance", "more"), "outputs mean, log_variance, more"),
    ],
)
def test_an_encoder_that_gives_something_else_is_refused(
    tmp_path: Path, latent: int, outputs: tuple[str, ...], word: str
) -> None:
    with pytest.raises(UnsafeFileError) as caught:
        check(write_autoencoder(tmp_path, autoencoder(3, outputs), latent))
    assert word in str(caught.value)


def test_notes_for_people_are_passed_over(tmp_path: Path) -> None:
    model = make_model()
    model.doc_string = model.graph.doc_string = "a\nb"
    model.metadata_props.add(key="made", value="\x1b")
    model.graph.node[0].doc_string = "line 1\nline 2"
    model.graph.value_info.append(port("features", ["n", 3, "h", "w"]))
    check(write_checkpoint(tmp_path, model))


def test_a_float32_checkpoint_needs_no_conversion(tmp_path: Path) -> None:
    weights = {name: array.astype(np.float32) for name, array in WEIGHTS.items()}
    check(write_checkpoint(tmp_path, make_model(weights=weights), weights))


def test_what_a_run_holds_at_one_time_is_followed() -> None:
    """Of 1,000 steps in a row two values are held at a time; of 200 that are kept, all."""
    row = [N("Relu", [f"r{i}"], [f"r{i + 1}"]) for i in range(1000)]
    model = make_model([N("Relu", ["image"], ["r0"]), *row, N("Relu", ["r1000"], ["translated"])], weights={})
    kept = [N("Relu", ["image"], [f"k{i}"]) for i in range(200)]
    other = make_model([*kept, N("Sum", [f"k{i}" for i in range(200)], ["translated"])], weights={})
    shape, bytes_ = (1, 3, 16, 16), 4 * 3 * 16 * 16
    port_ = [port("image", ["n", 3, "h", "w"])]
    for graph, held in ((model, 2), (other, 201)):
        graph.graph.input.pop()
        graph.graph.input.extend(port_)
        assert trace(read_graph("t.onnx", graph.SerializeToString(), {}), shape).peak == held * bytes_


def test_a_graph_that_costs_too_much_runs_on_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cost is that of the tiny one; what is allowed is made small."""
    folder = write_checkpoint(tmp_path)
    cost = trace(read_checkpoint(folder, "tiny").plans["translate.onnx"], (2, 1, 64, 64))
    for name, found in (("MAX_PEAK_BYTES", cost.peak), ("MAX_WORK", cost.work)):
        with monkeypatch.context() as patch:
            patch.setattr(graphs, name, found - 1)
            with pytest.raises(UnsafeFileError, match="ZOO_MAX_COST=4 allows more"):
                read_checkpoint(folder, "tiny")
            patch.setenv("ZOO_MAX_COST", "4")
            read_checkpoint(folder, "tiny")
            patch.setenv("ZOO_MAX_COST", "much")
            with pytest.raises(UsageError, match="ZOO_MAX_COST=much is no number from 1 to 1000"):
                read_checkpoint(folder, "tiny")


def test_the_cost_follows_the_input(tmp_path: Path) -> None:
    graph = read_checkpoint(write_checkpoint(tmp_path), "tiny").plans["translate.onnx"]
    small, large = trace(graph, (1, 1, 256, 256)), trace(graph, (4, 1, 512, 512))
    assert small.outputs == ((1, 3, 256, 256),)
    assert small.largest == 3 * 256 * 256 * 4
    assert large.largest == 16 * small.largest
    assert not large.too_large
    assert small.work < large.work < MAX_WORK
    assert trace(graph, (1, 1, 16384, 16384)).largest > MAX_VALUE_BYTES
    assert trace(graph, (1, 1, 16384, 16384)).too_large
