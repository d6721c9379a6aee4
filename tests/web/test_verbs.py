"""`zoo ui` and `zoo serve` from the outside: what they say, load, refuse, and how they end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from vaes import write_vae

TOKEN = "0123456789abcdef"
ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "ZOO_TOKEN"}


@contextmanager
def running(*words: str, **variables: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A server in a process of its own, and the first line that it prints."""
    command = [sys.executable, "-m", "zoo", *words]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT, **variables}
    ) as process:
        try:
            assert process.stdout
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def ended(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that ends by itself."""
    command = [sys.executable, "-m", "zoo", *words]
    return subprocess.run(
        command, check=False, capture_output=True, text=True, env={**ENVIRONMENT, **variables}, timeout=120
    )


def test_ui_says_its_address_and_answers(tmp_path: Path) -> None:
    name = f"dir:{write_vae(tmp_path / 'vae', id='tiny.vae')}"
    with running("ui", name, "--no-browser") as (process, line):
        match = re.fullmatch(r"(http://127\.0\.0\.1:\d+/)#token=([\w-]{32})", line)
        assert match, line
        base, token = match.groups()
        with urlopen(base) as page:
            assert b"<!doctype html>" in page.read()
        with pytest.raises(HTTPError, match="401"):
            urlopen(base + "models")
        with urlopen(Request(base + "models", headers={"authorization": f"Bearer {token}"})) as answer:
            assert json.loads(answer.read())["first"] == "tiny.vae"
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (143, "error: terminated\n")


@pytest.mark.usefixtures("heed_interrupts")
def test_serve_has_no_page_and_takes_a_token() -> None:
    with running("serve", "--port", "0", ZOO_TOKEN=TOKEN) as (process, base):
        with pytest.raises(HTTPError, match="404"):
            urlopen(Request(base, headers={"authorization": f"Bearer {TOKEN}"}))
        with urlopen(Request(base + "models", headers={"authorization": f"Bearer {TOKEN}"})) as answer:
            assert json.loads(answer.read())["models"]
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert (process.returncode, errors) == (130, "error: interrupted\n")


def test_listening_to_others_is_said() -> None:
    with running("serve", "--port", "0", "--host", "0.0.0.0") as (process, line):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/  token: [\w-]{32}", line)
        process.kill()
        assert "can be reached by others" in process.communicate()[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--host", "192.0.2.1"], 2, "can't listen at 192.0.2.1"),
        (["--host", "no such host"], 2, "can't listen at no such host"),
        (["--max-pixels", "0"], 2, "--max-pixels takes megapixels"),
        (["nothing"], 3, "no model, family or task 'nothing'"),
        (["dir:/nowhere"], 3, "there is no folder"),
    ],
)
def test_what_can_not_be_served_is_refused(words: list[str], code: int, message: str) -> None:
    found = ended("serve", "--port", "0", *words)
    assert (found.returncode, found.stdout) == (code, "")
    assert message in found.stderr
    assert found.stderr.count("\n") == 1


def test_a_weak_token_is_refused() -> None:
    found = ended("serve", ZOO_TOKEN="secret")
    assert (found.returncode, found.stderr.count("\n")) == (2, 1)
    assert "ZOO_TOKEN must be 16 or more" in found.stderr


def test_without_the_extra_its_name_is_said() -> None:
    missing = "import sys; sys.modules['starlette'] = sys.modules['uvicorn'] = None"
    command = [sys.executable, "-c", f"{missing}; from zoo.cli.app import call; exit(call(['ui']))"]
    found = subprocess.run(command, check=False, capture_output=True, text=True, env=ENVIRONMENT, timeout=120)
    assert found.returncode == 9
    assert re.fullmatch(r"error: zoo ui needs \w+: pip install 'latent-zoo\[ui\]'\n", found.stderr)


def test_the_server_starts_without_numbers_or_networks() -> None:
    script = "import sys, zoo.web.app, zoo.web.serve, zoo.web.shelf; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"torch", "timm", "numpy", "onnxruntime", "cv2", "PIL"} & set(found.stdout.split())
