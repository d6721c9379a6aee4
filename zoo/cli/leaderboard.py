"""`zoo eval --all`: installed models beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from zoo.cli.console import columns, echo, needs_extra, note, open_registry, progress, report

if TYPE_CHECKING:
    from zoo.catalog.registry import Registry
    from zoo.catalog.spec import CheckpointConfig, Metric


def leaderboard(task: str | None, json: bool, rerun: bool, backend: str, device: str) -> None:
    """Print the figures of every installed model, of one task or of all: those on the cards, or computed anew.

    Raises UsageError for a task that no model has, typer.Exit with the first one's code where models can't be measured.
    """
    from zoo.errors import UsageError
    from zoo.evaluation.leaderboard import boards, task_of, title

    registry = open_registry()
    configs = [spec.config for spec in registry.find() if task in (None, task_of(spec.config))]
    if task and not configs:
        known = ", ".join(sorted({task_of(spec.config) for spec in registry.find()})) or "none"
        raise UsageError(f"no model has the task {task!r}; tasks: {known}")
    codes: list[int] = []
    if rerun:
        configs, codes = _measured(configs, registry, backend, device)
    if json:
        import msgspec

        echo(msgspec.json.format(msgspec.json.encode(list(map(_entry, configs))), indent=2).decode())
    else:
        for number, board in enumerate(boards(configs)):
            head, *rows = board.rows()
            echo(("\n" if number else "") + title(board).removeprefix("## "))
            echo("\n".join(columns([tuple(cell.upper() for cell in head), *rows])))
    if codes:
        raise typer.Exit(codes[0])


def _entry(config: CheckpointConfig) -> dict[str, Any]:
    """What JSON says of one model; one that is not evaluated has no metrics."""
    from zoo.checkpoints.tables import is_overall
    from zoo.evaluation.leaderboard import pictures_of, task_of

    return {
        "id": config.id,
        "task": task_of(config),
        "parameters": config.weights.parameters,
        "bytes": config.weights.bytes,
        "pictures": pictures_of(config) or None,
        "metrics": list(filter(is_overall, config.metrics)),
    }


def _measured(
    configs: Sequence[CheckpointConfig], registry: Registry, backend: str, device: str
) -> tuple[list[CheckpointConfig], list[int]]:
    """The models with figures computed now, as the command on each card says; exit codes of those that can't be."""
    import msgspec

    from zoo.errors import ZooError
    from zoo.evaluation.leaderboard import asked_by

    with needs_extra("eval", "train"):
        from zoo.evaluation.evaluate import evaluate
    found, codes = [], []
    for config in configs:
        command = config.metrics[0].command if config.metrics else ""
        data, split, options = asked_by(command)
        metrics: tuple[Metric, ...] = ()
        try:
            with progress(config.id, 0) as bar:
                made = evaluate(config.id, registry, data, split, options, backend, device, bar.at)
            metrics = tuple(made.metrics)
            for text in made.notes:
                note(f"{config.id}: {text}")
        except ZooError as problem:
            codes.append(report(problem))
        found.append(msgspec.structs.replace(config, metrics=metrics))
    return found, codes
