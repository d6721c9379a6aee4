"""What can be wrong on the disk that holds the cache, and with HF_HOME and HF_ENDPOINT.

A kill while a checkpoint is saved needs no Hub: it is in checkpoints/test_format.py and training/test_train.py. Not
tested is a network's file system: instead, locks answer here as they do on some of those.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conditions import LEFT
from filelock import FileLock
from loopback import Hub
from machine import Machine
from repository import git_sha1
from world import MIB, OFFLINE, big


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
def test_a_file_damaged_in_the_cache_is_fetched_again(
    machine: Machine, published: str, damage: Callable[[Path], None]
) -> None:
    name = machine.zoo("pull", published).out.split("#")[0]
    blob = blob_of(machine, published)
    whole = blob.read_bytes()
    damage(blob)
    assert "model.safetensors is damaged (" in machine.zoo("pull", name.strip()).notes
    assert blob.read_bytes() == whole


@pytest.mark.parametrize("damage", [cut, flip])
def test_offline_a_damaged_file_is_refused_and_deleted(
    machine: Machine, published: str, damage: Callable[[Path], None], picture: Path
) -> None:
    machine.zoo("pull", published)
    damage(blob_of(machine, published))
    line = machine.zoo("run", f"hub:{published}", picture, **OFFLINE).error(6)
    assert "cached file damaged: model.safetensors: " in line
    assert "go online and `zoo pull` it again" in line
    assert machine.zoo("pull", published).code == 0


def test_verify_reads_all_again_and_names_what_is_damaged(machine: Machine, published: str) -> None:
    machine.zoo("pull", published)
    assert machine.zoo("cache", "verify").out.startswith("1 models verified in ")
    blob = blob_of(machine, published)
    before = blob.stat()
    flip(blob)
    os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))  # so that nothing but the content tells
    line = machine.zoo("cache", "verify").error(6)
    assert "cached file damaged: model.safetensors: sha256" in line
    assert not blob.exists()


def record_of(machine: Machine, name: str) -> Path:
    (path,) = machine.cached(name).glob("zoo/*.json")
    return path


@pytest.mark.parametrize("up", ["{home}/mine", "../../../../mine", "a/../../../../../mine"])
def test_a_record_that_names_a_file_elsewhere_is_harmless(
    machine: Machine, published: str, files: dict[str, bytes], up: str, picture: Path
) -> None:
    machine.zoo("pull", published)
    mine = machine.home / "mine"
    mine.write_text("a file of the user's")
    record = record_of(machine, published)
    changed = json.loads(record.read_bytes())
    name = up.format(home=machine.home)
    changed["files"][name] = {"size": 5, "algorithm": "sha256", "digest": "0" * 64}
    record.write_text(json.dumps({**changed, "wanted": [*changed["wanted"], name]}))
    assert "not in the cache, and offline" in machine.zoo("run", f"hub:{published}", picture, **OFFLINE).error(5)
    line = machine.zoo("cache", "verify").error(6)
    assert f"hub:{published}@{record.stem}: cached file damaged: the record of its files: makes no sense" in line
    assert mine.read_text() == "a file of the user's"
    assert machine.zoo("pull", published).code == 0


@pytest.mark.parametrize("where", ["snapshot", "blobs"])
def test_links_that_lead_out_of_the_cache_are_not_followed(
    machine: Machine, published: str, where: str, picture: Path
) -> None:
    machine.zoo("pull", published)
    snapshot = blob_of(machine, published).parent.parent / "snapshots" / record_of(machine, published).stem
    mine = machine.home / "blobs"
    if where == "snapshot":
        shutil.copytree(snapshot, mine)
        shutil.rmtree(snapshot)
        snapshot.symlink_to(mine)
    else:
        mine.mkdir()
        (snapshot / "config.json").unlink()
        (snapshot / "config.json").symlink_to(mine / "config.json")
    (mine / "config.json").write_text("a file of the user's")
    assert "cached file damaged: " in machine.zoo("run", f"hub:{published}", picture, **OFFLINE).error(6)
    machine.zoo("cache", "verify")
    assert (mine / "config.json").read_text() == "a file of the user's"


BROKEN = {
    "empty": b"",
    "cut": b'{"files": {',
    "deep": b"[" * 100_000,
    "bytes": b"\xff\xfe",
    "unlisted": b'{"files":{}}',
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_record_is_one_line_about_one_model(
    machine: Machine, published: str, hub: Hub, files: dict[str, bytes], data: bytes
) -> None:
    hub.add("ana/beside", files)
    machine.zoo("pull", "ana/beside")
    machine.zoo("pull", published)
    record_of(machine, published).write_bytes(data)
    _, *lines = machine.zoo("cache", "list").out.splitlines()
    states = {line.split()[0].split("@")[0]: line.split()[-1] for line in lines}
    assert states == {f"hub:{published}": "verify", "hub:ana/beside": "verified"}
    facts = {row["name"].split("@")[0]: row["whole"] for row in json.loads(machine.zoo("cache", "list", "--json").out)}
    assert facts == {f"hub:{published}": False, "hub:ana/beside": True}
    assert machine.zoo("cache", "verify").err.count("error: ") == 1
    assert machine.zoo("pull", published).code == 0
    assert machine.zoo("cache", "verify").code == 0


@pytest.mark.parametrize(
    ("number", "code", "says"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_an_interrupt_leaves_no_partial_file(
    machine: Machine, published: str, number: signal.Signals, code: int, says: str
) -> None:
    fault = machine.hub.fault("stall", f"/cdn/{published}", after=50, times=1)
    running = machine.start("pull", published, HF_HUB_DOWNLOAD_TIMEOUT="30", ZOO_HUB_TIMEOUT="40")
    assert fault.reached.wait(30)
    os.kill(running.process.pid, number)
    result = running.wait()
    fault.released.set()
    assert result.error(code) == f"error: {says}"
    assert not list(machine.home.rglob("*.incomplete"))
    assert machine.zoo("pull", published).code == 0


def test_the_run_after_a_kill_works_and_removes_the_rest(machine: Machine, published: str) -> None:
    fault = machine.hub.fault("stall", f"/cdn/{published}", after=50, times=1)
    running = machine.start("pull", published, HF_HUB_DOWNLOAD_TIMEOUT="30", ZOO_HUB_TIMEOUT="40")
    assert fault.reached.wait(30)
    (orphan,) = machine.home.rglob("*.incomplete")
    assert "0.0 MB freed" in machine.zoo("cache", "clean").notes
    assert orphan.exists()  # it is still being written
    os.kill(running.process.pid, signal.SIGKILL)
    running.process.join(30)
    fault.released.set()
    partial = machine.cached(published) / "refs" / ".zoo-half.tmp"
    partial.write_bytes(b"half of a record")
    assert machine.zoo("pull", published).code == 0
    assert not orphan.exists()
    assert not partial.exists()
    assert machine.zoo("pull", published, **OFFLINE).code == 0


def test_a_disk_that_fills_up_is_reported(machine: Machine, hub: Hub, files: dict[str, bytes]) -> None:
    hub.add("ana/full", files)
    line = machine.zoo("pull", "ana/full", ZOO_TEST_FILE_LIMIT="400").error(8)
    assert "hub:ana/full" in line
    assert "File too large" in line
    assert not list(machine.home.rglob("*.incomplete"))


@pytest.fixture
def disk(machine: Machine) -> Callable[[int], str]:
    """A disk of so many bytes in the place of the cache, as a variable of the machine's environment."""
    machine.home.mkdir()
    words = ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", str(machine.home)]
    if shutil.which("unshare") is None or subprocess.run(words, check=False, capture_output=True).returncode:
        pytest.skip("a file system of one's own can't be mounted here")
    return lambda size: f"{machine.home}:{size}"


def test_a_full_disk_is_reported_and_leaves_no_partial_file(
    machine: Machine, published: str, disk: Callable[[int], str], pace: float
) -> None:
    """One page of memory holds what `main` means; config.json has no place any more."""
    result = machine.zoo("pull", published, ZOO_TEST_DISK=disk(4096))
    line = result.error(8)
    assert f"hub:{published}" in line
    assert "No space left on device" in line
    assert line.endswith("HF_HOME names another place")
    assert result.seconds < 5 + 10 * pace
    left = (machine.folder / LEFT).read_text().splitlines()
    ref = machine.cached(published).relative_to(machine.home) / "refs" / "main"
    assert [name for name in left if not name.endswith((".lock", "CACHEDIR.TAG"))] == [str(ref)]


def test_a_disk_that_is_too_small_is_reported_beforehand(
    machine: Machine, hub: Hub, files: dict[str, bytes], disk: Callable[[int], str]
) -> None:
    hub.add("ana/large", big(files))
    line = machine.zoo("pull", "ana/large", ZOO_TEST_DISK=disk(MIB)).error(8)
    assert re.search(r"the disk is too full: 262\d{5} bytes are needed, 10\d{5} are free in ", line)
    left = (machine.folder / LEFT).read_text()
    assert "incomplete" not in left
    assert "model.safetensors" not in left
    assert not [seen for seen in hub.requests("ana/large") if "/cdn" in seen]


def test_too_little_space_is_reported_before_it_is_used(
    machine: Machine, published: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo.checkpoints.hub import cache, download
    from zoo.checkpoints.hub.cache import Promise, Record
    from zoo.checkpoints.hub.reference import parse
    from zoo.errors import DiskError

    monkeypatch.setattr(cache, "root", lambda: machine.folder)
    monkeypatch.setattr(download.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    record = Record({"config.json": Promise(5000, "sha256", "0" * 64)}, ("config.json",))
    with pytest.raises(DiskError, match="5000 bytes are needed, 1000 are free"):
        download._check_space(parse(published).at("0" * 40), record)


def test_a_cache_that_is_a_file_is_named(machine: Machine, published: str) -> None:
    machine.home.mkdir()
    (machine.home / "hub").write_bytes(b"")
    line = machine.zoo("pull", published).error(8)
    assert f"can't write to the cache {machine.home}/hub: " in line
    assert line.endswith("HF_HOME names another place")


def test_a_read_only_cache_still_serves_what_it_has(machine: Machine, published: str, picture: Path) -> None:
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


def test_six_processes_download_once(machine: Machine, published: str) -> None:
    running = [machine.start("pull", published, ZOO_HUB_TIMEOUT="60") for _ in range(6)]
    results = [each.wait() for each in running]
    assert [result.code for result in results] == [0] * 6, [result.err for result in results]
    assert len({result.out for result in results}) == 1
    bodies = [seen for seen in machine.hub.requests(published) if seen.startswith(("GET /cdn", f"GET /{published}"))]
    assert len(bodies) == len(set(bodies)) == 4


@pytest.mark.parametrize("lock", ["zoo", "config"])
def test_waiting_for_an_idle_lock_holder_ends(
    machine: Machine, published: str, files: dict[str, bytes], lock: str
) -> None:
    folder = machine.home / "hub" / ".locks" / machine.cached(published).name
    folder.mkdir(parents=True)
    held = folder / f"{git_sha1(files['config.json']) if lock == 'config' else lock}.lock"
    with FileLock(held):
        result = machine.zoo("pull", published, ZOO_HUB_TIMEOUT="3")
    line = result.error(8)
    assert f"{held} is held by a process that does nothing" in line
    assert "another process works on" in result.err
    assert machine.zoo("pull", published).code == 0


def test_without_flock_lock_files_are_used(machine: Machine, published: str, picture: Path) -> None:
    """`flock` is not there at all, as on some file systems that programs bring."""
    result = machine.zoo("run", f"hub:{published}", picture, ZOO_TEST_NO_LOCKS=str(errno.ENOSYS))
    assert "Warning" not in result.notes
    assert not list(machine.home.rglob("*.lock"))
    assert machine.zoo("cache", "clean", ZOO_TEST_NO_LOCKS=str(errno.ENOSYS)).code == 0


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOLCK])
def test_refused_locks_are_reported_and_cached_models_run(
    machine: Machine, published: str, picture: Path, number: int
) -> None:
    """As on a network's file system whose lock service is off."""
    line = machine.zoo("pull", published, ZOO_TEST_NO_LOCKS=str(number)).error(8)
    assert f"the file system of the cache {machine.home}/hub has no locks; HF_HOME names another place" in line
    assert machine.blobs(published) == []
    assert machine.zoo("pull", published).code == 0
    assert machine.zoo("run", f"hub:{published}", picture, ZOO_TEST_NO_LOCKS=str(number)).code == 0
    assert machine.zoo("cache", "clean", ZOO_TEST_NO_LOCKS=str(number)).code == 0


@pytest.mark.parametrize(
    ("endpoint", "word"),
    [
        ("huggingface.co", "is no address: give https://HOST"),
        ("htps://huggingface.co", "is no address"),
        ("http://[::1", "is no address"),
        ("https://huggingface.co:99999", "is no address"),
        ("https://huggingface.co:http", "is no address"),
        ("https://hugging face.co", "is no address"),
        ("http://hub.example.test", "would send your token unencrypted"),
    ],
)
def test_an_invalid_or_unencrypted_endpoint_is_refused(machine: Machine, endpoint: str, word: str) -> None:
    line = machine.zoo("pull", "ana/x", HF_ENDPOINT=endpoint, HF_TOKEN="hf_writes_secret").error(2)
    assert f"HF_ENDPOINT={endpoint}" in line
    assert word in line
    assert "_secret" not in line


@pytest.mark.parametrize("folder", ["with spaces", "größe 大", "d" * 100 + "/" + "e" * 150, "a link"])
def test_any_folder_may_hold_the_cache(machine: Machine, published: str, folder: str, picture: Path) -> None:
    home = machine.folder / folder
    if folder == "a link":
        (machine.folder / "real").mkdir()
        home.symlink_to(machine.folder / "real")
    result = machine.zoo("pull", published, HF_HOME=str(home))
    assert list(home.glob("hub/models--*/snapshots/*/config.json"))
    name = result.out.split("#")[0].strip()
    assert machine.zoo("run", name, picture, HF_HOME=str(home)).code == 0
