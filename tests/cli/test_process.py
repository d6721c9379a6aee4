"""What only a process of its own can show: what it loads, its pipes, its signals, its exit."""

from __future__ import annotations

import os
import pty
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from command import VERBS, draw, files
from PIL import Image

ZOO = (sys.executable, "-m", "zoo")
HEAVY = "{'torch', 'torchvision', 'timm', 'accelerate', 'onnx', 'matplotlib', 'rich', 'pydantic', 'cv2', 'sklearn'}"
LIGHT = f"""
import sys
from zoo.cli.app import call

def check(names):
    assert not names & set(sys.modules), names & set(sys.modules)

for verb in {VERBS}:
    assert call([verb, "--help"]) == 0
assert call(["list"]) == call(["info", "colorize"]) == call(["plugins"]) == call(["run"]) == 0
check({HEAVY} | {{"numpy", "PIL", "onnxruntime", "safetensors"}})
assert call(["run", "colorize", "a.png"]) == 0
check({HEAVY})
"""


@pytest.fixture(autouse=True)
def usual_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is printed waits in a buffer, as it does in most shells: an error of the disk comes late."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


def run(
    words: Sequence[str], command: Sequence[str] = ZOO, stdout: int | BinaryIO = subprocess.PIPE, **how: Any
) -> subprocess.CompletedProcess[bytes]:
    how = {"input": b"", "timeout": 120} | how
    return subprocess.run([*command, *words], check=False, stdout=stdout, stderr=subprocess.PIPE, **how)


def one_error(done: subprocess.CompletedProcess[bytes], code: int) -> str:
    """The one line that a process which failed has said."""
    assert done.returncode == code, done.stderr
    assert done.stdout in (b"", None)
    line, rest = done.stderr.decode().split("\n", 1)
    assert (line[:7], rest) == ("error: ", "")
    return line


def test_help_list_info_plugins_and_run_load_nothing_heavy() -> None:
    draw("a.png")
    done = run([LIGHT], (sys.executable, "-c"))
    assert done.returncode == 0, done.stderr.decode()


def test_python_m_zoo_is_the_command() -> None:
    done = run(["--version"])
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b"latent-zoo ")


def test_a_picture_goes_through_a_pipe(tiny: str) -> None:
    draw("a.png")
    done = run(["run", tiny, "-"], input=Path("a.png").read_bytes())
    assert (done.returncode, done.stderr) == (0, b"")
    with Image.open(BytesIO(done.stdout)) as image:
        assert image.size == (8, 6)


def test_a_reader_that_has_enough_ends_it_quietly(tiny: str) -> None:
    Image.effect_noise((900, 900), 80).save("a.png")  # more than a pipe holds
    process = subprocess.Popen([*ZOO, "run", tiny, "a.png", "-o", "-"], stdout=-1, stderr=-1)
    assert process.stdout
    assert process.stderr
    assert process.stdout.read(4) == b"\x89PNG"
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 0
    process.stderr.close()


def test_a_full_disk_is_reported_and_leaves_no_partial_file(tiny: str) -> None:
    """A limit on the size of files stands for the disk: the system refuses in the middle of writing."""
    Image.effect_noise((300, 300), 80).save("a.png")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    done = run(["run", tiny, "a.png"], preexec_fn=limit, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"})
    assert "a.colorize.png can't be written" in one_error(done, 8)
    assert files() == ["a.png"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["list"], ["run", "TINY", "a.png", "-o", "-"]])
def test_a_full_disk_behind_standard_output_is_said_once(tiny: str, words: list[str]) -> None:
    draw("a.png")
    with Path("/dev/full").open("wb") as full:
        done = run([word.replace("TINY", tiny) for word in words], stdout=full)
    assert "No space left on device" in one_error(done, 8)


def test_closed_standard_streams_do_no_harm(tiny: str) -> None:
    draw("a.png")
    done = run([f"{sys.executable} -m zoo run {tiny} a.png <&- >&-"], ("/bin/sh", "-c"))
    assert (done.returncode, done.stderr) == (0, b"")
    assert files() == ["a.colorize.png", "a.png"]


@pytest.mark.usefixtures("heed_interrupts")
def test_ctrl_c_ends_with_130_and_leaves_whole_files_only(tiny: str) -> None:
    """It comes while one worker waits for a picture; what was written before stays."""
    draw("a.png")
    os.mkfifo("b.png")
    draw(*(f"c{number}.png" for number in range(9)))
    words = [*ZOO, "run", tiny, "a.png", "b.png", "c*.png", "-o", "out", "--jobs", "2"]
    process = subprocess.Popen(words, stdout=-1, stderr=-1)
    assert process.stdout
    assert process.stdout.readline() == b"out/a.png\n"
    process.send_signal(signal.SIGINT)
    with Path("b.png").open("wb"):  # and close: an empty picture, so that the worker comes to an end
        pass
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines()[-1] == b"error: interrupted"
    assert b"Traceback" not in err
    for path in Path("out").iterdir():
        with Image.open(path) as image:
            image.load()


@pytest.mark.usefixtures("heed_interrupts")
def test_ctrl_c_while_it_waits_for_a_picture(tiny: str) -> None:
    draw("a.png")
    os.mkfifo("b.png")
    words = [*ZOO, "run", tiny, "a.png", "b.png", "--jobs", "1"]
    process = subprocess.Popen(words, stdout=-1, stderr=-1)
    assert process.stdout
    assert process.stdout.readline() == b"a.colorize.png\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, b"error: interrupted\n")
    assert files() == ["a.colorize.png", "a.png", "b.png"]


def test_progress_is_for_a_terminal_and_results_for_the_pipe(tiny: str) -> None:
    draw("a.png", "b.png")
    terminal, end = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    process = subprocess.Popen([*ZOO, "run", tiny, "a.png", "b.png"], stdout=-1, stderr=end, env=environment)
    os.close(end)
    shown = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            shown += os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
    os.close(terminal)
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, b"a.colorize.png\nb.colorize.png\n")
    assert b"2/2" in shown
    assert b"colorize.png" not in shown


def test_a_name_that_is_no_text_is_printed_as_the_bytes_it_is(tiny: str) -> None:
    name = os.fsdecode(b"caf\xe9.png")
    draw(name)
    done = run(["run", tiny, name])
    assert (done.returncode, done.stdout) == (0, b"caf\xe9.colorize.png\n")
