"""`zoo pull`, `push`, `search` and `cache`: models on the Hugging Face Hub."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zoo.cli import options as opt
from zoo.cli.completion import models
from zoo.cli.console import echo, error, note, open_registry, print_json, print_table
from zoo.cli.light import LightTyper

if TYPE_CHECKING:
    from zoo.checkpoints.hub.cache import Record

TimeoutOption = Annotated[
    float | None, opt.value("Give up after so long without an answer.", "SECONDS", min=0.1, max=86400)
]


verbs = LightTyper()
cached = verbs.group(
    "cache",
    "Look after the models downloaded from the Hub.",
    "Look after the models downloaded from the Hub. They lie where HF_HOME or HF_HUB_CACHE say.",
)


@verbs.command("pull", short_help="Download a model from the Hub.")
def pull(
    model: Annotated[str, opt.argument("ORG/NAME, with @ and a branch, tag or commit.", "MODEL")],
    timeout: TimeoutOption = None,
) -> None:
    """Download a model from the Hub and verify it, for example: zoo pull ana/conv-vae.cats@v1

    Printed is its name at the commit it is now, with the sha256 of its config.json: this name means the same for ever,
    and needs no network from now on.
    """
    _set_timeout(timeout)
    registry = open_registry()
    from zoo.checkpoints.hub.reference import parse
    from zoo.loading import find_checkpoint

    reference = parse(model)
    pin = f"#{reference.config_sha256}" if reference.config_sha256 else ""
    checkpoint = find_checkpoint(f"{reference}{pin}", registry)
    echo(f"{checkpoint.origin}#{checkpoint.config_sha256}")


@verbs.command("push", short_help="Upload a model to the Hub.")
def push(
    checkpoint: Annotated[str, opt.argument("A model or dir:PATH.", "CHECKPOINT", autocompletion=models)],
    repository: Annotated[str, opt.argument("Where to: ORG/NAME.", "ORG/NAME")],
    private: Annotated[bool, opt.flag("If it has to be created: for you alone.", "--private")] = False,
    tag: Annotated[str | None, opt.value("Name the commit, for example v1.", "NAME")] = None,
    message: Annotated[str | None, opt.value("What the commit says.", "TEXT", "--message", "-m")] = None,
    pull_request: Annotated[bool, opt.flag("Propose it instead of committing.", "--pull-request")] = False,
    timeout: TimeoutOption = None,
) -> None:
    """Upload a model to the Hub, for example: zoo push dir:runs/cats/checkpoint ana/conv-vae.cats --tag v1

    Its card is checked first. Only the checkpoint's own files are sent, as one commit.
    """
    _set_timeout(timeout)
    registry = open_registry()
    from zoo.checkpoints.hub.reference import DEFAULT_REVISION, parse
    from zoo.errors import UsageError
    from zoo.loading import find_checkpoint

    reference = parse(repository)
    if reference.revision != DEFAULT_REVISION or reference.config_sha256:
        raise UsageError(f"push goes to ORG/NAME, not to a revision of it: {repository}")
    if tag and pull_request:
        raise UsageError("give --tag or --pull-request, not both: what is only proposed has no tag")
    found = find_checkpoint(checkpoint, registry)
    from zoo.checkpoints.hub.upload import Options
    from zoo.checkpoints.hub.upload import push as upload

    pushed = upload(found, reference, Options(private, tag, message, pull_request))
    echo(pushed.page if pull_request else pushed.reference)
    if not pull_request:
        note(f"see {pushed.page}")


@verbs.command("search", short_help="Find models on the Hub.")
def search(
    text: Annotated[str | None, opt.argument("A part of the name.", "TEXT")] = None,
    limit: Annotated[int, opt.value("Show at most so many.", "N", min=1, max=1000)] = 30,
    json: opt.Json = False,
    timeout: TimeoutOption = None,
) -> None:
    """Find models on the Hub that were made for the zoo, those that are used most first.

    What is shown is what their makers say. `zoo pull` verifies a model, `zoo info hub:ORG/NAME` shows it.
    """
    _set_timeout(timeout)
    from zoo.checkpoints.hub.search import search as find

    found = find(text, limit)
    if json:
        print_json([{**vars(model), "name": f"hub:{model.name}"} for model in found])
        return
    if not found:
        note(f"no model for the zoo has {text!r} in its name" if text else "no model for the zoo is there")
        return
    head = ("MODEL", "LICENSE", "DOWNLOADS", "LIKES", "TAGS")
    rows = [
        (f"hub:{model.name}", model.license, str(model.downloads), str(model.likes), ", ".join(model.tags[:4]))
        for model in found
    ]
    print_table(head, rows)
    if len(found) == limit:
        note(f"there may be more; these are the first {limit}: --limit")


@cached.command("list", short_help="List the models in the cache.")
def list_(json: opt.Json = False) -> None:
    """List the models in the cache that the zoo has fetched: each commit, its size, and whether it is whole."""
    from zoo.checkpoints.hub import cache

    found = list(cache.recorded())
    if json:
        print_json([_facts(*entry) for entry in found])
        return
    if not found:
        note(f"no model of the Hub is in {cache.root()}")
        return
    rows = []
    for facts in (_facts(*entry) for entry in found):
        state = "verified" if facts["whole"] else "changed, damaged or not whole: zoo cache verify"
        rows.append((facts["name"], f"{facts['bytes'] / 1e6:.1f} MB", ", ".join(facts["revisions"]) or "-", state))
    print_table(("MODEL", "SIZE", "REVISIONS", "STATE"), rows)


@cached.command("verify", short_help="Compare every cached file with what the Hub promised.")
def verify() -> None:
    """Read every cached file of the zoo's models again, and compare it with what the Hub promised.

    What differs is deleted; the next use downloads it again.
    """
    from zoo.checkpoints.hub import cache
    from zoo.checkpoints.hub.verify import verify_all

    damaged = 0
    for name, file, word in verify_all():
        if word == "verified":
            continue
        damaged += 1
        error(f"{name}: cached file damaged: {file}: {word}")
    if damaged:
        raise typer.Exit(6)
    echo(f"{sum(1 for _ in cache.recorded())} models verified in {cache.root()}")


@cached.command("clean", short_help="Delete what broken downloads left, or a model.")
def clean(
    names: Annotated[
        list[str] | None, opt.argument("Models to delete; without any, only leftovers.", "ORG/NAME")
    ] = None,
) -> None:
    """Delete what killed downloads left behind; with names, delete these models from the cache."""
    from zoo.checkpoints.hub import cache
    from zoo.checkpoints.hub.reference import parse

    references = [parse(name) for name in names or []]
    freed = 0
    for path in cache.leftovers() if not references else []:
        freed += path.lstat().st_size
        path.unlink(missing_ok=True)
        echo(path)
    for reference in references:
        freed += cache.remove(reference.repository)
        echo(cache.storage(reference.repository))
    note(f"{freed / 1e6:.1f} MB freed")


def _facts(repository: str, commit: str, record: Record | None) -> dict[str, Any]:
    from zoo.checkpoints.hub import cache

    return {
        "name": f"hub:{repository}@{commit}",
        "bytes": sum(record.files[name].size for name in record.wanted) if record else 0,
        "revisions": cache.refs_of(repository, commit),
        "whole": record is not None and cache.whole(repository, commit, record),
    }


def _set_timeout(seconds: float | None) -> None:
    if seconds is not None:
        os.environ["ZOO_HUB_TIMEOUT"] = str(seconds)
