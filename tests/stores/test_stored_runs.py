"""`zoo run` from a store to a store."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import pytest
from door import Door
from PIL import Image
from tiny import write_checkpoint

from zoo.cli.app import call

Objects = Callable[[], dict[str, bytes]]
RUN = ("s3://photos/in/", "-o", "s3://photos/out/", "--skip-existing", "--log", "run.jsonl", "--jobs", "2")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"dir:{write_checkpoint(tmp_path_factory.mktemp('models') / 'tiny')}"


def picture(width: int = 8) -> bytes:
    data = BytesIO()
    Image.new("L", (width, 6), 100).save(data, "PNG")
    return data.getvalue()


def fill(door: Door, count: int) -> list[str]:
    """So many pictures in the store; returns the keys of their results."""
    import boto3

    client = boto3.client("s3", endpoint_url=f"http://127.0.0.1:{door.store}")
    for number in range(count):
        client.put_object(Bucket="photos", Key=f"in/{number:03d}.png", Body=picture(8 + number % 5))
    client.close()
    return [f"out/{number:03d}.png" for number in range(count)]


def logged() -> list[dict[str, str]]:
    return [json.loads(line) for line in Path("run.jsonl").read_text().splitlines()]


def test_answers_in_a_store_are_those_in_a_folder(tiny: str, door: Door, objects: Objects) -> None:
    keys = fill(door, 5)
    assert call(["run", tiny, *RUN]) == 0
    stored = {key: data for key, data in objects().items() if key.startswith("out/")}
    assert sorted(stored) == keys
    Path("in").mkdir()
    for key, data in objects().items():
        if key.startswith("in/"):
            Path(key).write_bytes(data)
    assert call(["run", tiny, "in", "-o", "out"]) == 0
    assert {key: Path(key).read_bytes() for key in keys} == stored
    for entry in logged():
        key = entry["result"].removeprefix("s3://photos/")
        assert entry["sha256"] == hashlib.sha256(stored[key]).hexdigest()


def test_requests_of_a_run_and_of_one_that_is_done(tiny: str, door: Door) -> None:
    fill(door, 4)
    call(["run", tiny, *RUN])
    kinds = [line.split()[0] for line in door.seen]
    assert (kinds.count("PUT"), kinds.count("HEAD")) == (4, 4)
    assert kinds.count("GET") == 4 + 1  # and a list
    door.seen.clear()
    assert call(["run", tiny, *RUN]) == 0
    kinds = [line.split()[0] for line in door.seen]
    assert (kinds.count("PUT"), kinds.count("HEAD"), kinds.count("GET")) == (0, 4, 1)


def test_faults_of_the_store_lose_nothing(tiny: str, door: Door, objects: Objects, pauses: list[float]) -> None:
    keys = fill(door, 6)
    for how in ("busy", "gone", "lost", "cut"):
        door.spoil(2, "GET", "in/00", how)
        door.spoil(2, "PUT", "out/00", "busy" if how == "cut" else how)
    assert call(["run", tiny, *RUN]) == 0
    assert door.faults == []
    assert sorted(key for key in objects() if key.startswith("out/")) == keys
    assert sorted(entry["input"] for entry in logged()) == [f"s3://photos/in/{key[4:]}" for key in keys]


def test_a_run_that_was_killed_three_times(tiny: str, door: Door, objects: Objects) -> None:
    """Each time while further pictures are on their way."""
    keys = fill(door, 24)
    for limit in (5, 12, 19):
        process = subprocess.Popen([sys.executable, "-m", "zoo", "run", tiny, *RUN], stdout=-1, stderr=-1)
        assert process.stdout
        while door.count("PUT") < limit:
            assert process.stdout.readline().startswith(b"s3://photos/out/"), process.communicate()[1]
        os.kill(process.pid, signal.SIGKILL)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL
    assert call(["run", tiny, *RUN]) == 0
    assert sorted(key for key in objects() if key.startswith("out/")) == keys
    entries = logged()
    assert sorted(entry["result"] for entry in entries) == [f"s3://photos/{key}" for key in keys]
    made = {entry["result"]: entry["sha256"] for entry in entries}
    for key, data in objects().items():
        if key.startswith("out/"):
            assert made[f"s3://photos/{key}"] == hashlib.sha256(data).hexdigest()
    # A picture that was put, and whose process then died, is not put again.
    assert door.count("PUT", "out/") <= 24 + 3 * 2


def test_results_beside_their_inputs_are_no_inputs(tiny: str, door: Door, objects: Objects) -> None:
    fill(door, 2)
    for _ in range(2):
        assert call(["run", tiny, "s3://photos/in", "--skip-existing"]) == 0
    assert sorted(objects()) == ["in/000.colorize.png", "in/000.png", "in/001.colorize.png", "in/001.png"]
    assert call(["run", tiny, "s3://photos/", "-r", "-o", "s3://photos/in/out"]) == 0
    assert call(["run", tiny, "s3://photos/in/*.png", "-o", "flat"]) == 0
    assert sorted(path.name for path in Path("flat").iterdir()) == ["000.png", "001.png"]


def test_a_manifest_of_urls_in_parts(tiny: str, door: Door) -> None:
    fill(door, 6)
    Path("list").write_text("".join(f"s3://photos/in/{number:03d}.png\n" for number in range(6)))
    for part in (1, 2):
        assert call(["run", tiny, "--manifest", "list", "--shard", f"{part}/2", "-o", "all"]) == 0
    assert len(list(Path("all/photos/in").iterdir())) == 6
    assert call(["run", tiny, "s3://photos/in", "--manifest", "list", "-o", "short"]) == 0
    assert len(list(Path("short").iterdir())) == 6


def test_a_zip_into_a_folder(tiny: str, capfd: pytest.CaptureFixture[str]) -> None:
    with zipfile.ZipFile("a.zip", "w") as archive:
        archive.writestr("in/a.png", picture())
        archive.writestr("in/sub/b.png", picture())
        archive.writestr("__MACOSX/in/a.png", b"hidden")
    assert call(["run", tiny, "zip://a.zip", "-r", "-o", "out"]) == 0
    assert sorted(map(str, Path("out").rglob("*.png"))) == ["out/in/a.png", "out/in/sub/b.png"]
    assert call(["run", tiny, "zip://in/a.png::a.zip"]) == 2
    assert "zip:// is only read" in capfd.readouterr().err


def test_a_web_server_is_read(tiny: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "a b.png").write_bytes(picture())

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(tmp_path / "web"))  # type: ignore[arg-type]

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    base = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        assert call(["run", tiny, f"{base}/a%20b.png?token=secret", "-o", "out/", "--log", "run.jsonl"]) == 0
        assert call(["run", tiny, f"{base}/none.png", "-o", "out/"]) == 3
        assert call(["run", tiny, f"{base}/a%20b.png"]) == 2
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert [path.name for path in Path("out").iterdir()] == ["a b.png"]
    assert "secret" not in Path("run.jsonl").read_text() + capfd.readouterr().out
