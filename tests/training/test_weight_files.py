"""Files of weights as people have them: which table is taken, and what is said of files that hold none."""

from __future__ import annotations

import argparse
import logging
import os
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from zoo.errors import UnsafeFileError, UsageError
from zoo.weights import unpickling
from zoo.weights.reading import kind_of, read_weights
from zoo.weights.state_tables import ADVICE, choose_table


def refused(file: Path) -> str:
    """What the process that unpickles says of a file it refuses; its work is done in this one, which is faster."""
    with pytest.raises(SystemExit) as left:
        unpickling.main(str(file), str(file.with_name("out.safetensors")))
    assert sorted(path.name for path in file.parent.iterdir()) == [file.name]
    assert isinstance(left.value.code, str)
    assert left.value.code.isprintable()
    return left.value.code


ONE, TWO, THREE = ({"a.weight": torch.full((2,), float(value))} for value in (1, 2, 3))


@pytest.mark.parametrize(
    ("found", "value", "remark"),
    [
        ({"model_state_dict": ONE, "epoch": 3, "loss": torch.tensor(0.5), "optimizer_state_dict": TWO}, 1, ""),
        ({"whatever": ONE, "metrics": {"psnr": torch.tensor(30.0)}, "lr": [0.1]}, 1, ""),
        ({"state_dict": ONE, "optimizer": {"state": {0: {"exp_avg": torch.ones(2)}}, "param_groups": []}}, 1, ""),
        ({"checkpoint": {"model": {"state_dict": ONE}, "step": 3}}, 1, ""),
        ({**ONE, "epoch": 3, "name": "x", "history": [0.1, 0.2]}, 1, ""),
        ({"params": ONE, "params_ema": TWO}, 2, "of its tables of weights params, params_ema, params_ema is taken"),
        ({"g": ONE, "d": TWO, "g_ema": THREE, "g_optim": ONE}, 3, "g, d, g_ema, g_ema is taken"),
        ({"netD": ONE, "netG": TWO}, 2, "netD, netG, netG is taken"),
        ({"discriminator": ONE, "generator": TWO}, 2, "generator is taken"),
        ({"d_ema": ONE, "G": TWO}, 2, "G is taken"),
        ({"model": ONE, "ema": TWO}, 2, "ema is taken"),
        ({"state_dict": ONE, "hyper": TWO}, 1, "state_dict is taken"),
        ({"gan": {"netD": {"state_dict": ONE}, "netG": {"state_dict": TWO}}}, 2, "gan.netG.state_dict is taken"),
    ],
)
def test_the_table_of_weights_is_found(found: object, value: int, remark: str) -> None:
    table, said = choose_table(found)
    assert {name: array.tolist() for name, array in table.items()} == {"a.weight": [value] * 2}
    assert remark in said if remark else not said


def test_which_table_was_taken_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    torch.save({"params": ONE, "params_ema": TWO, "iter": 3}, tmp_path / "a.pth")
    with caplog.at_level(logging.INFO, "zoo.training"):
        assert read_weights(tmp_path / "a.pth")["a.weight"].tolist() == [2, 2]
    assert f"{tmp_path / 'a.pth'}: of its tables of weights params, params_ema, params_ema is taken" in caplog.text


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ({"encoder": ONE, "decoder": TWO}, "several tables of weights, encoder, decoder: save the one you want alone"),
        ({"epoch": 3, "loss": 0.5}, "holds no table of tensors by name, but epoch, loss: save the state dict alone"),
        ({"optimizer": TWO}, "holds no table of tensors by name, but optimizer"),
        ([ONE], "holds a list instead of tensors by name: save the state dict alone"),
        ({}, "holds a dict instead"),
        ({"a": torch.ones(2).to_sparse()}, "holds tensors that can't be imported, sparse"),
        ({"model": ONE, "args": argparse.Namespace(lr=1)}, "holds argparse.Namespace besides tensors, and nothing but"),
        (nn.Linear(2, 2), r"holds torch\.nn\.modules\.linear\.Linear besides tensors"),
        ({"model": ONE, "best": np.float64(1)}, r"holds numpy\.\w+\.multiarray\.scalar besides tensors"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::UserWarning")  # of torch, on sparse tensors
@pytest.mark.parametrize("zipped", [True, False])
def test_what_holds_no_weights_says_what_it_holds(tmp_path: Path, found: object, says: str, zipped: bool) -> None:
    torch.save(found, tmp_path / "a.pth", _use_new_zipfile_serialization=zipped)
    assert re.search(says, refused(tmp_path / "a.pth"))


def test_a_refusal_of_the_other_process_is_one_line(tmp_path: Path) -> None:
    torch.save({"model": ONE, "args": argparse.Namespace(lr=1)}, tmp_path / "a.pth")
    with pytest.raises(UnsafeFileError) as error:
        read_weights(tmp_path / "a.pth")
    reason = "holds argparse.Namespace besides tensors, and nothing but tensors is unpickled"
    assert str(error.value) == f"{tmp_path / 'a.pth'} {reason}: {ADVICE}"


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_files_that_are_cut_off_say_so(tmp_path: Path, share: float, kind: str) -> None:
    state, file = {"a": torch.randn(40, 40), "b": torch.randn(9)}, tmp_path / "a.pth"
    if kind == "safetensors":
        save_file(state, file)
    else:
        torch.save(state, file, _use_new_zipfile_serialization=kind == "zip")
    data = file.read_bytes()
    file.write_bytes(data[: max(16, int(len(data) * share))])
    if kind == "safetensors":
        with pytest.raises(UnsafeFileError, match=r"cut off or damaged.*: download it again"):
            read_weights(file)
    else:
        assert "cut off or damaged: download it again" in refused(file)


def test_damaged_numbers_are_found_by_their_checksum(tmp_path: Path) -> None:
    numbers = torch.randn(40, 40)
    torch.save({"a": numbers, "b": torch.ones(3)}, tmp_path / "a.pth")
    data = bytearray((tmp_path / "a.pth").read_bytes())
    data[data.index(numbers.numpy().tobytes()) + 99] ^= 1
    (tmp_path / "a.pth").write_bytes(data)
    assert refused(tmp_path / "a.pth") == "is cut off or damaged: download it again"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (
            ("metadata.json", "config.json", "model.weights.h5"),
            r"is a whole model of Keras 3 \(\.keras\): save it as \.h5",
        ),
        (("a.npy", "b.npy"), r"is an \.npz of numpy"),
        (("readme.txt", "weights.pth"), "is a zip, but none of torch.save: unpack it"),
        (("m/data.pkl", "m/constants.pkl"), "is a TorchScript program"),
    ],
)
def test_other_zips_are_named_for_what_they_are(tmp_path: Path, members: tuple[str, ...], says: str) -> None:
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as opened:
        for name in members:
            opened.writestr(name, b"x")
    assert re.search(says, refused(tmp_path / "m.keras"))


def test_what_is_no_file_is_no_weights(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    for file in (tmp_path / "pipe.pth", tmp_path, Path("/dev/zero")):
        with pytest.raises(UsageError, match="is not an ordinary file"):
            kind_of(file)
