"""Typer without the wait for its converter.

Recent typers convert every value with pydantic, whose import takes as long as all of `zoo list`. A word that stays a
word, and a default, need no conversion; everything else goes typer's own way, and older typers are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, get_args, get_origin

import typer
from typer.core import TyperCommand, TyperGroup
from typer.models import CommandFunctionType


class LightCommand(TyperCommand):
    """A verb that converts only what has to be converted."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options and arguments, `--help` included."""
        return [_light(parameter) for parameter in super().get_params(ctx)]


class LightGroup(TyperGroup):
    """The command above the verbs, likewise."""

    def invoke(self, ctx: Any) -> Any:
        """Run the verb. A reader that has enough of our output (`zoo list | head`) is no failure, as it is to typer."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise typer.Exit from None

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, `--help` included."""
        return [_light(parameter) for parameter in super().get_params(ctx)]


class LightTyper(typer.Typer):
    """A Typer of light commands."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(cls=LightGroup, **settings)

    def command(self, *args: Any, **settings: Any) -> Callable[[CommandFunctionType], CommandFunctionType]:
        """Register a verb."""
        return super().command(*args, cls=LightCommand, **settings)

    def take(self, verbs: typer.Typer) -> None:
        """Add the verbs of another one."""
        self.registered_commands += verbs.registered_commands
        self.registered_groups += verbs.registered_groups

    def group(self, name: str, short_help: str, text: str) -> LightTyper:
        """Register a verb with actions of its own, to be added to what is returned; alone it says what they are."""
        made = LightTyper(
            rich_markup_mode=None,
            invoke_without_command=True,
            callback=_help,
            context_settings={"help_option_names": ["-h", "--help"]},
        )
        self.add_typer(made, name=name, short_help=short_help, help=text)
        return made


def _help(context: typer.Context) -> None:
    """Say what the actions are, unless one is asked for."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _light(parameter: Any) -> Any:
    described = getattr(parameter, "type_descriptor", None)
    if described is None or "process_value" in vars(parameter):
        return parameter
    nothing = () if parameter.nargs == -1 or getattr(parameter, "multiple", False) else None
    convert, is_text = parameter.process_value, described.annotation in (str, list[str])
    choices = get_args(described.annotation) if get_origin(described.annotation) is Literal else ()

    def process_value(context: Any, value: Any) -> Any:
        if value is None and not parameter.required:
            return nothing
        typed = type(value) in (str, list, tuple)  # a default is already what it should be
        empty = value in (None, [], ()) and parameter.required
        if parameter.callback is None and not empty and (is_text or not typed or value in choices):
            return value
        return convert(context, value)

    parameter.process_value = process_value
    if parameter.param_type_name == "argument":
        _name_plainly(parameter)
    return parameter


def _name_plainly(argument: Any) -> None:
    """Let help say TASK and [TASK], where typer would say TASK <str> and {TASK}."""
    name = argument.metavar or argument.name.upper()
    usage = (name if argument.required else f"[{name}]") + "..." * (argument.nargs != 1)
    argument.get_usage_pieces = lambda ctx: [usage]
    argument.display_type_rich = lambda ctx: None
