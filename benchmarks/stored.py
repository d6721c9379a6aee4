"""Small pictures in a store of objects, run through by a process that is killed three times and resumed.

pip install 'latent-zoo[remote]' 'moto[s3,server]' && python benchmarks/stored.py [PICTURES]

The store is moto's server on this machine, in memory and in Python: what is shown is that nothing is lost and that
memory stays flat, not how fast a store is.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import threading
import time
from io import BytesIO
from pathlib import Path

from PIL import Image

MODEL, SIDE = "colorizer-ae.photos", 32


def main() -> None:
    """Print a row for each of the four runs: how many pictures are done, and the most memory the process held."""
    import boto3
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    os.environ |= {
        "AWS_ENDPOINT_URL": address,
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    client = boto3.client("s3", endpoint_url=address)
    client.create_bucket(Bucket="photos")
    data = BytesIO()
    Image.effect_noise((SIDE, SIDE), 60).save(data, "PNG")
    for number in range(count):
        client.put_object(Bucket="photos", Key=f"in/{number:06d}.png", Body=data.getvalue())
    print("| run | pictures logged | seconds | peak memory, MiB | at half of it, MiB |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "run.jsonl"
        for number, share in enumerate((0.25, 0.5, 0.75, 1.0), 1):
            print(_row(number, log, int(count * share), killed=share < 1), flush=True)
        entries = [json.loads(line) for line in log.read_text().splitlines()]
    keys = {each["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="photos", Prefix="out/")
            for each in page.get("Contents", [])}  # fmt: skip
    assert len(keys) == len(entries) == count, (len(keys), len(entries))
    assert {entry["result"] for entry in entries} == {f"s3://photos/{key}" for key in keys}
    for entry in entries[:: max(1, count // 500)]:
        body = client.get_object(Bucket="photos", Key=entry["result"].removeprefix("s3://photos/"))["Body"].read()
        assert entry["sha256"] == hashlib.sha256(body).hexdigest()
    print(f"\n{count} pictures: each is there once and is logged once.")
    server.stop()


def _row(number: int, log: Path, until: int, *, killed: bool) -> str:
    """Run until so many lines are in the log, then kill it; the last run comes to its end."""
    words = [sys.executable, "-m", "zoo", "run", MODEL, "s3://photos/in/", "-o", "s3://photos/out/"]
    began = time.perf_counter()
    before = _lines(log)
    process = subprocess.Popen(
        [*words, "--skip-existing", "--log", str(log)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout
    half, now = 0, before
    for _ in process.stdout:
        now += 1
        if now == (before + until) // 2:
            half = _peak(process.pid)
        if killed and now >= until:
            peak = _peak(process.pid)
            process.kill()
            break
        if now % 50 == 0 and not killed:
            peak = _peak(process.pid)
    threading.Thread(target=process.stdout.read, daemon=True).start()
    code = process.wait()
    assert killed or code == 0, code
    seconds = time.perf_counter() - began
    return f"| {number}, {'killed' if killed else 'to the end'} | {_lines(log)} | {seconds:.0f} | {peak} | {half} |"


def _lines(log: Path) -> int:
    return log.read_bytes().count(b"\n") if log.exists() else 0


def _peak(process: int) -> int:
    """The most memory that a process has held, in MiB."""
    status = Path(f"/proc/{process}/status").read_text()
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


if __name__ == "__main__":
    main()
