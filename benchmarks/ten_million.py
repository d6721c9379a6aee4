"""Ten million pictures on 256 cores with failures, simulated: hours, requests, dollars.

python benchmarks/ten_million.py

What is measured and what is assumed is said in the table that it prints; `--help` shows how to put in other figures.
"""

from __future__ import annotations

import argparse
import heapq
import random
from dataclasses import dataclass, fields

# One-megapixel pictures a second on two cores, measured by benchmarks/folder.py: what one process on two cores does.
MEASURED = 7.6


@dataclass
class Inputs:
    """The figures that a simulation begins with."""

    pictures: int = 10_000_000
    cores: int = 256
    cores_per_process: int = 2
    shards: int = 2560  # parts that the pictures are cut into: the queue that processes take from
    rate: float = MEASURED  # measured: pictures a second of one process
    spread: float = 0.15  # assumed: the standard deviation of machines' speeds, as a share
    wait: float = 0.06  # assumed: seconds of a picture's HEAD, GET and PUT that no work hides
    start: float = 20.0  # assumed: seconds until a process works, the container's image being there
    hours_between: float = 20.0  # assumed: mean hours of a process between two kills (spot machines, faults)
    away: float = 180.0  # assumed: seconds until a killed process is back
    skip: float = 0.03  # assumed: seconds of a HEAD, by which one picture is found done
    bad: float = 0.001  # assumed: the share of pictures that can't be read
    retried: float = 0.002  # assumed: the share of requests that are made again
    megabytes_in: float = 0.35  # assumed: a photo of one megapixel as JPEG
    megabytes_out: float = 0.45  # assumed: its result at quality 95
    core_hour: float = 0.04  # assumed: dollars, on demand; spot machines cost a third or so
    put: float = 0.005 / 1000  # list prices of S3 in us-east-1: dollars for a PUT or LIST
    get: float = 0.0004 / 1000  # and for a GET or HEAD
    gigabyte_month: float = 0.023


@dataclass
class Result:
    """What a simulation ends with; requests that list a folder are left out, one in a thousand pictures."""

    hours: float = 0.0
    busy_hours: float = 0.0  # of cores
    kills: int = 0
    again: int = 0  # pictures that were being worked on when their process was killed
    heads: int = 0
    gets: int = 0
    puts: int = 0


def simulate(given: Inputs, seed: int = 0) -> Result:
    """Processes take shards until none is left; one that is killed comes back and resumes its own."""
    draw, result = random.Random(seed), Result()
    processes = given.cores // given.cores_per_process
    sizes = [
        given.pictures // given.shards + (number < given.pictures % given.shards) for number in range(given.shards)
    ]
    free = [(given.start, number) for number in range(processes)]
    heapq.heapify(free)
    speeds = [max(0.3, draw.gauss(1, given.spread)) for _ in range(processes)]
    end = 0.0
    for size in sizes:
        now, process = heapq.heappop(free)
        seconds_each = (
            1 / (given.rate * speeds[process]) + given.wait / given.cores_per_process
        )  # one is under way on each core
        left, done, began = size, 0, now
        while left:
            now += done * given.skip / given.cores_per_process
            result.heads += done  # what is done is asked for by name
            until = draw.expovariate(1 / (given.hours_between * 3600))
            if until >= left * seconds_each:
                now += left * seconds_each
                _requests(result, left, given)
                left = 0
            else:
                made = int(until / seconds_each)
                result.kills += 1
                result.again += min(given.cores_per_process, left - made)
                _requests(result, made, given)
                left, done = left - made, done + made
                now += until + given.away + given.start
        result.busy_hours += (now - began) * given.cores_per_process / 3600
        end = max(end, now)
        heapq.heappush(free, (now, process))
    result.gets += result.again
    result.hours = end / 3600
    return result


def _requests(result: Result, pictures: int, given: Inputs) -> None:
    more = 1 + given.retried
    result.heads += round(pictures * more)
    result.gets += round(pictures * more)
    result.puts += round(pictures * (1 - given.bad) * more)


def main() -> None:
    """Print what went in and what came out, with and without failures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for each in fields(Inputs):
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=type(each.default), default=each.default)
    given = Inputs(**vars(parser.parse_args()))
    calm = Inputs(**{**vars(given), "hours_between": 1e12, "retried": 0.0, "bad": 0.0, "spread": 0.0, "wait": 0.0})
    rows = [("undisturbed, no waiting", simulate(calm)), ("as assumed", simulate(given))]
    rough = Inputs(**{**vars(given), "hours_between": given.hours_between / 10})
    rows.append(("killed ten times as often", simulate(rough)))
    print("| | hours | core-hours | kills | made twice | HEAD | GET | PUT | requests, $ | machines, $ |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name, result in rows:
        requests = (result.heads + result.gets) * given.get + result.puts * given.put
        print(
            f"| {name} | {result.hours:.1f} | {result.busy_hours:.0f} | {result.kills} | {result.again} "
            f"| {result.heads / 1e6:.1f} M | {result.gets / 1e6:.1f} M | {result.puts / 1e6:.1f} M "
            f"| {requests:.0f} | {result.hours * given.cores * given.core_hour:.0f} |"
        )
    stored = given.pictures * given.megabytes_out / 1000
    print(f"\nRead {given.pictures * given.megabytes_in / 1e6:.1f} TB, written {stored / 1e3:.1f} TB, ", end="")
    print(f"which cost {stored * given.gigabyte_month:.0f} $ a month to keep; ", end="")
    speed = given.pictures * (given.megabytes_in + given.megabytes_out) / (rows[1][1].hours * 3600)
    print(f"{speed:.0f} MB/s through the network of all machines together.")


if __name__ == "__main__":
    main()
