"""What can be wrong on a disk, and with the files of a checkpoint itself: cases 33 and 34, 42 to 58, 68 to 70.

Cases that need no Hub are tested where they belong: 48 to 50 in checkpoints/test_safetensors_header.py, 53 in
inference/test_model.py, 55 in test_testing.py, 56 and 57 in catalog/test_spec.py and checkpoints, 59 to 61
in catalog/test_discovery.py, 62 in cli/test_bad_input.py and inference/test_picture_reading.py, 68 in
checkpoints/test_format.py and training/test_train.py. A few of each are done here once more, through the Hub.

Not tested: a disk that is really full (44; a limit on the size of files stands for it, as does a report of little free
space), and file systems without locks (47).
"""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from loopback import Hub
from machine import Machine

MIB = 1024 * 1024
OFFLINE = {"HF_HUB_OFFLINE": "1"}


def blob_of(machine: Machine, name: str, file: str = "model.safetensors") -> Path:
    (path,) = machine.cached(name).glob(f"snapshots/*/{file}")
    return path.resolve()


def flip(path: Path) -> None:
    """Change a byte, as a disk or a person may: size and name stay."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("damage", [cut, flip])
def test_33_34_a_file_damaged_in_the_cache_is_fetched_again(
    machine: Machine, published: str, damage: Callable[[Path], None]
) -> None:
    name = machine.zoo("pull", published).out.split("#")[0]
    blob = blob_of(machine, published)
    whole = blob.read_bytes()
    damage(blob)
    assert "model.safetensors is damaged (" in machine.zoo("pull", name.strip()).notes
    assert blob.read_bytes() == whole


@pytest.mark.parametrize("damage", [cut, flip])
def test_33_34_offline_it_is_refused_and_deleted(
    machine: Machine, published: str, damage: Callable[[Path], None], picture: Path
) -> None:
    machine.zoo("pull", published)
    damage(blob_of(machine, published))
    line = machine.zoo("run", f"hub:{published}", picture, **OFFLINE).error(6)
    assert "cached file damaged: model.safetensors: " in line
    assert "go online and `zoo pull` it again" in line
    assert machine.zoo("pull", published).code == 0


def test_34_verify_reads_all_again_and_says_what_is_damaged(machine: Machine, published: str) -> None:
    machine.zoo("pull", published)
    assert machine.zoo("cache", "verify").out.startswith("1 models verified in ")
    blob = blob_of(machine, published)
    before = blob.stat()
    flip(blob)
    os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))  # so that nothing but the content tells
    line = machine.zoo("cache", "verify").error(6)
    assert "cached file damaged: model.safetensors: sha256" in line
    assert not blob.exists()


def test_42_an_interrupt_leaves_no_half_of_a_file(machine: Machine, published: str) -> None:
    fault = machine.hub.fault("stall", f"/cdn/{published}", after=50, times=1)
    running = machine.start("pull", published, HF_HUB_DOWNLOAD_TIMEOUT="30", ZOO_HUB_TIMEOUT="40")
    assert fault.reached.wait(30)
    os.kill(running.process.pid, signal.SIGINT)
    result = running.wait()
    fault.released.set()
    assert result.error(130) == "error: interrupted"
    assert not list(machine.home.rglob("*.incomplete"))
    assert machine.zoo("pull", published).code == 0


def test_43_after_a_kill_the_next_run_works_and_clean_removes_the_rest(machine: Machine, published: str) -> None:
    fault = machine.hub.fault("stall", f"/cdn/{published}", after=50, times=1)
    running = machine.start("pull", published, HF_HUB_DOWNLOAD_TIMEOUT="30", ZOO_HUB_TIMEOUT="40")
    assert fault.reached.wait(30)
    (orphan,) = machine.home.rglob("*.incomplete")
    assert "0.0 MB freed" in machine.zoo("cache", "clean").notes
    assert orphan.exists()  # it is still being written
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.join(30)
    fault.released.set()
    assert machine.zoo("pull", published).code == 0
    assert machine.zoo("cache", "clean").out == f"{orphan}\n"
    assert not orphan.exists()
    assert machine.zoo("pull", published, **OFFLINE).code == 0


def test_44_a_disk_that_fills_up_is_said(machine: Machine, hub: Hub, files: dict[str, bytes]) -> None:
    hub.add("ana/full", files)
    line = machine.zoo("pull", "ana/full", ZOO_TEST_FILE_LIMIT="400").error(8)
    assert "hub:ana/full" in line
    assert "File too large" in line
    assert not list(machine.home.rglob("*.incomplete"))


def test_44_too_little_space_is_said_before_it_is_used(
    machine: Machine, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo.checkpoints.hub import cache, download
    from zoo.checkpoints.hub.cache import Promise, Record
    from zoo.checkpoints.hub.reference import parse
    from zoo.errors import DiskError

    monkeypatch.setattr(cache, "root", lambda: machine.folder)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    record = Record({"a": Promise(5000, "sha256", "0" * 64)}, ("a",))
    with pytest.raises(DiskError, match="5000 bytes are needed, 1000 are free"):
        download._check_space(parse(published).at("0" * 40), record)


def test_45_a_cache_that_is_a_file_is_named(machine: Machine, published: str) -> None:
    machine.home.mkdir()
    (machine.home / "hub").write_bytes(b"")
    line = machine.zoo("pull", published).error(8)
    assert f"can't write to the cache {machine.home}/hub: " in line
    assert line.endswith("HF_HOME names another place")


def test_45_a_cache_that_is_read_only_still_serves_what_it_has(machine: Machine, published: str, picture: Path) -> None:
    if os.getuid() == 0 and not all(
        path.stat().st_mode & 0o001 for path in [Path(sys.prefix), *Path(sys.prefix).parents]
    ):
        pytest.skip(f"{sys.prefix} can be read by root only, so nobody else can run it")
    name = machine.zoo("pull", published).out.split("#")[0]
    unprivileged = {"ZOO_TEST_UNPRIVILEGED": "1", "HOME": "/nonexistent"}
    for path in [*machine.folder.parents, *machine.home.rglob("*"), machine.home]:
        if str(path).startswith("/tmp/") and path.is_dir():
            path.chmod(path.stat().st_mode | 0o055)
    for path in machine.home.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o444)
    result = machine.zoo("run", name, picture, "-o", "-", **unprivileged)
    assert result.code == 0, result.err
    machine.hub.add(f"{published}-other", machine.hub.repositories[published].files)
    assert "HF_HOME names another place" in machine.zoo("pull", f"{published}-other", **unprivileged).error(8)


def test_46_six_processes_download_once(machine: Machine, published: str) -> None:
    running = [machine.start("pull", published, ZOO_HUB_TIMEOUT="60") for _ in range(6)]
    results = [each.wait(120) for each in running]
    assert [result.code for result in results] == [0] * 6, [result.err for result in results]
    assert len({result.out for result in results}) == 1
    bodies = [seen for seen in machine.hub.requests(published) if seen.startswith(("GET /cdn", f"GET /{published}"))]
    assert len(bodies) == len(set(bodies)) == 4


@pytest.mark.parametrize("lock", ["zoo", "config"])
def test_47_a_lock_whose_holder_does_nothing_is_not_waited_for_without_end(
    machine: Machine, published: str, files: dict[str, bytes], lock: str
) -> None:
    from loopback import git_sha1

    folder = machine.home / "hub" / ".locks" / machine.cached(published).name
    folder.mkdir(parents=True)
    held = folder / f"{git_sha1(files['config.json']) if lock == 'config' else lock}.lock"
    with FileLock(held):
        result = machine.zoo("pull", published, ZOO_HUB_TIMEOUT="3")
    line = result.error(8)
    assert f"{held} is held by a process that does nothing" in line
    assert "another process works on" in result.err
    assert machine.zoo("pull", published).code == 0


Edit = Callable[[dict[str, bytes]], dict[str, bytes]]


def signed(files: dict[str, bytes], **changes: Any) -> dict[str, bytes]:
    """The files, with a config.json that promises them as they are."""
    import hashlib

    config = json.loads(files["config.json"])
    weights = files["model.safetensors"]
    config["weights"] |= {"bytes": len(weights), "sha256": hashlib.sha256(weights).hexdigest()}
    config["capabilities"]["translate"]["sha256"] = hashlib.sha256(files["translate.onnx"]).hexdigest()
    return {**files, "config.json": json.dumps({**config, **changes}).encode()}


def weights(data: bytes) -> Edit:
    return lambda files: signed({**files, "model.safetensors": data})


def header(value: object, data: bytes = b"") -> Edit:
    text = json.dumps(value).encode()
    text += b" " * (-len(text) % 8)
    return weights(struct.pack("<Q", len(text)) + text + data)


def config(data: bytes) -> Edit:
    return lambda files: {**files, "config.json": data}


HALF = {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}
MALFORMED: dict[str, tuple[Edit, str]] = {
    "48 a header that is cut": (weights(struct.pack("<Q", 16)), "its header claims 16 bytes"),
    "48 a header that claims more than there is": (weights(struct.pack("<Q", 5000) + b"{}"), "its header claims 5000"),
    "48 a header that is no JSON": (weights(struct.pack("<Q", 4) + b"{abc"), "is not a safetensors file"),
    "48 two tensors on top of each other": (header({"a": HALF, "b": HALF}, b"\0\0"), "an overlap before tensor b"),
    "48 bytes that no tensor owns": (header({"a": HALF}, bytes(8)), "is not a safetensors file"),
    "49 a header of 30 MB": (weights(struct.pack("<Q", 30_000_000) + b"{}"), "at most 26214400 are read"),
    "50 a key twice": (weights(struct.pack("<Q", 12) + b'{"a":1,"a":2'), "is not a safetensors file"),
    "50 no tensor": (header({}, b"\0\0"), "is not a safetensors file"),
    "50 a name that is a path": (header({"../x": HALF}, b"\0\0"), "tensor name '../x'"),
    "50 a huge empty shape": (header({"a": {**HALF, "shape": [2**62, 0]}}, b"\0\0"), "is not a safetensors file"),
    "52 a pointer of Git LFS": (weights(b"version https://git-lfs.github.com/spec/v1\noid x"), "Git LFS pointer"),
    "56 no JSON": (config(b"{"), "config.json is not a checkpoint's config"),
    "56 nested without end": (config(b"[" * 100_000), "config.json is not a checkpoint's config"),
    "56 NaN": (config(b'{"format": NaN}'), "config.json is not a checkpoint's config"),
    "56 a field nobody knows": (lambda files: signed(files, surprise=1), "unknown field `surprise`"),
    "56 a number without bounds": (lambda files: signed(files, id=10**400), "config.json is not a checkpoint's config"),
    "57 a module to import": (lambda files: signed(files, module="os:system"), "unknown field `module`"),
    "57 a path for a graph": (
        lambda files: {**files, "config.json": files["config.json"].replace(b"translate.onnx", b"../x/a.onnx")},
        "config.json is not a checkpoint's config",
    ),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_a_checkpoint_that_is_malformed_is_refused_though_the_hub_vouches_for_it(
    hub: Hub, machine: Machine, files: dict[str, bytes], what: str
) -> None:
    edit, word = MALFORMED[what]
    name = f"ana/{what.replace(' ', '-')}"
    hub.add(name, edit(files))
    result = machine.zoo("pull", name)
    line = result.error(7)
    assert f"hub:{name}" in line
    assert word in line
    assert 0 < result.peak < MIB  # kilobytes


def test_57_58_nothing_but_the_checkpoint_is_fetched_and_no_code_runs(
    hub: Hub, machine: Machine, files: dict[str, bytes]
) -> None:
    extra = {"modeling.py": b"raise SystemExit('it ran')", "training.log": b"x", "assets/a.png": b"x"}
    hub.add("ana/extra", {**files, **extra})
    notes = machine.zoo("pull", "ana/extra").notes
    assert notes.count("holds Python files; they are not fetched") == 1
    assert not [seen for seen in hub.requests("ana/extra") if "modeling" in seen or "training.log" in seen]
    assert sorted(path.name for path in machine.cached("ana/extra").glob("snapshots/*/*")) == sorted(files)


@pytest.mark.parametrize(
    ("endpoint", "word"),
    [
        ("huggingface.co", "is no address: give https://HOST"),
        ("htps://huggingface.co", "is no address"),
        ("http://hub.example.test", "would send your token unencrypted"),
    ],
)
def test_69_an_endpoint_that_is_none_or_would_leak_the_token_is_refused(
    machine: Machine, endpoint: str, word: str
) -> None:
    line = machine.zoo("pull", "ana/x", HF_ENDPOINT=endpoint, HF_TOKEN="hf_writes_secret").error(2)
    assert f"HF_ENDPOINT={endpoint}" in line
    assert word in line
    assert "_secret" not in line


@pytest.mark.parametrize("folder", ["with spaces", "größe 大", "d" * 100 + "/" + "e" * 150, "a link"])
def test_70_any_folder_may_hold_the_cache(machine: Machine, published: str, folder: str, picture: Path) -> None:
    home = machine.folder / folder
    if folder == "a link":
        (machine.folder / "real").mkdir()
        home.symlink_to(machine.folder / "real")
    result = machine.zoo("pull", published, HF_HOME=str(home))
    assert list(home.glob("hub/models--*/snapshots/*/config.json"))
    name = result.out.split("#")[0].strip()
    assert machine.zoo("run", name, picture, HF_HOME=str(home)).code == 0
