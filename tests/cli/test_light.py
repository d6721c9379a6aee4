"""The shortcut past typer's converter gives what typer gives, for every option of every verb of the pinned typer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import typer.main
from typer.core import TyperCommand, TyperGroup

from zoo.cli.app import app

TEXTS = ("7", "0.5", "-1", "1e9", "", "text", "linear", "png", "a,b", "/tmp/x")


def commands(command: Any, name: str = "zoo") -> Iterator[tuple[str, Any]]:
    """A command and those below it, with their names."""
    yield name, command
    for below, found in getattr(command, "commands", {}).items():
        yield from commands(found, f"{name} {below}")


def parameters(light: bool) -> dict[str, tuple[Any, Any]]:
    """Every parameter without a callback, with a context, by its verb and name."""
    found = {}
    for name, command in commands(typer.main.get_command(app)):
        context = command.context_class(command)
        plain = TyperGroup.get_params if isinstance(command, TyperGroup) else TyperCommand.get_params
        listed = command.get_params(context) if light else plain(command, context)
        found |= {f"{name} {p.name}": (p, context) for p in listed if p.callback is None and p.name != "help"}
    return found


def outcome(parameter: Any, context: Any, value: Any) -> Any:
    """What a value becomes, or what is said of it."""
    try:
        return parameter.process_value(context, value)
    except Exception as error:
        return f"{type(error).__name__}: {error}"


LIGHT, PLAIN = parameters(light=True), parameters(light=False)


def test_the_shortcut_is_in_use() -> None:
    parameter, _ = LIGHT["zoo run task"]
    assert "process_value" in vars(parameter)
    assert "process_value" not in vars(PLAIN["zoo run task"][0])


@pytest.mark.parametrize("value", ["auto", "onnx"])
def test_a_word_of_a_list_needs_no_conversion(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(PLAIN["zoo run backend"][0]), "process_value", lambda *_: "converted")
    parameter, context = parameters(light=True)["zoo run backend"]
    assert parameter.process_value(context, "other") == "converted"
    assert parameter.process_value(context, value) == value


@pytest.mark.parametrize("name", LIGHT)
def test_values_become_what_typer_makes_of_them(name: str) -> None:
    (light, context), (plain, other) = LIGHT[name], PLAIN[name]
    several, is_flag = light.nargs != 1 or light.multiple, getattr(light, "is_flag", False)
    typed: list[Any] = [[], ["a", "b"]] if several else [True, False] if is_flag else list(TEXTS)
    for value in [*typed, light.get_default(context)]:
        assert outcome(light, context, value) == outcome(plain, other, value), value
