"""Verbs that show models in a browser or answer over HTTP: `zoo ui`, `zoo serve` and `zoo web`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from zoo.cli import options as opt
from zoo.cli.completion import names
from zoo.cli.console import echo, needs_extra, note, open_registry
from zoo.cli.light import LightTyper

if TYPE_CHECKING:
    from zoo.web.shelf import Shelf

TOKEN_VARIABLE = "ZOO_TOKEN"  # noqa: S105 - its name, not a token

ModelArgument = Annotated[
    str | None, opt.argument("The model to begin with; dir:PATH and hub:ORG/NAME too.", "MODEL", autocompletion=names)
]
HostOption = Annotated[str, opt.value("Where to listen; beyond 127.0.0.1, others can reach it.", "ADDRESS")]
PortOption = Annotated[int, opt.value("A port; 0 is any that is free.", "N", min=0, max=65535)]
AllowOption = Annotated[list[str] | None, opt.value("A further name of this server, behind a proxy.", "NAME", "--name")]
PixelsOption = Annotated[float, opt.value("Refuse pictures of more megapixels.", "N")]
WorkersOption = Annotated[int | None, opt.value("Requests worked on at once; else one per core.", "N", min=1, max=64)]
DirectionsOption = Annotated[
    list[Path] | None, opt.value("Attributes to move along, of `zoo attribute learn`.", "FILE")
]
DataOption = Annotated[str | None, opt.value("Pictures to show on maps: pack:NAME, folder:PATH, ...", "SOURCE")]

SplitOption = Annotated[str, opt.value("train, val or test of --data.", "SPLIT")]


verbs = LightTyper()


@verbs.command("ui", short_help="Show the models in a browser.")
def ui(
    model: ModelArgument = None,
    browser: Annotated[bool, opt.flag("Open the page, or only say where it is.", "--browser/--no-browser")] = True,
    host: HostOption = "127.0.0.1",
    port: PortOption = 0,
    directions: DirectionsOption = None,
    data: DataOption = None,
    split: SplitOption = "test",
    name: AllowOption = None,
    max_pixels: PixelsOption = 50,
    workers: WorkersOption = None,
) -> None:
    """Show the models in a browser, for example: zoo ui colorize

    The page runs them on this machine: pictures stay on it. The address holds a token; without it nothing is answered.
    Ctrl-C ends it.
    """
    with needs_extra("ui", "ui"):
        import starlette  # noqa: F401 - before anything is opened
    _serve(
        _shelf([model] if model else [], directions, data, split),
        host,
        port,
        name,
        max_pixels,
        workers,
        page=True,
        browser=browser,
    )


@verbs.command("serve", short_help="Answer over HTTP.")
def serve_(
    model: ModelArgument = None,
    host: HostOption = "127.0.0.1",
    port: PortOption = 7860,
    name: AllowOption = None,
    max_pixels: PixelsOption = 50,
    workers: WorkersOption = None,
) -> None:
    """Answer over HTTP without a page, for example: zoo serve

    POST /run/colorize, /encode/MODEL, /decode/MODEL, /generate/MODEL and so on; /openapi.json describes all. The token,
    which is said at the start or taken from ZOO_TOKEN, goes into the header "Authorization: Bearer TOKEN".
    """
    with needs_extra("serve", "ui"):
        import starlette  # noqa: F401 - before anything is opened
    _serve(
        _shelf([model] if model else [], None, None, ""),
        host,
        port,
        name,
        max_pixels,
        workers,
        page=False,
        browser=False,
    )


@verbs.command("web", short_help="Make a web site of models, without a server.")
def web(
    models: Annotated[
        list[str], opt.argument("Models, families, tasks, dir:PATH or hub:ORG/NAME.", "MODEL", autocompletion=names)
    ],
    out: Annotated[Path, opt.out("The folder to make.", "FOLDER")] = Path("site"),
    runtime: Annotated[
        Path | None, opt.value("The package onnxruntime-web, a folder or archive; else npm has it.", "PATH")
    ] = None,
    directions: DirectionsOption = None,
    data: DataOption = None,
    split: SplitOption = "test",
    force: Annotated[bool, opt.flag("Replace a site that exists.", "--force", "-f")] = False,
) -> None:
    """Make a web site of models that run in the visitor's browser: zoo web colorize -o site/

    The folder holds the page, the checkpoints' own files and ONNX Runtime. Any static host will do, a static Space on
    the Hugging Face Hub among them; python -m http.server -d site shows it on this machine.
    """
    with needs_extra("web", "ui"):
        from zoo.web.runtime import runtime_files
        from zoo.web.site import build_site

    shelf = _shelf(models, directions, data, split)
    size = build_site(shelf, [entry.id for entry in map(shelf.find, shelf.ids)], out, runtime_files(runtime), force)
    echo(out)
    note(f"{size / 1e6:.1f} MB; to look at it: python -m http.server -d {out}")


def _shelf(named: list[str], directions: list[Path] | None, data: str | None, split: str) -> Shelf:
    """The models, those that were named first, with attributes and pictures for their maps."""
    from zoo.web.shelf import Data, Shelf

    attributes = []
    for file in directions or ():
        from zoo.inference.direction_files import read_directions

        attributes.append(read_directions(file))
    return Shelf(open_registry(), named, attributes, Data(data, split) if data else None)


def _serve(
    shelf: Shelf,
    host: str,
    port: int,
    names: list[str] | None,
    megapixels: float,
    workers: int | None,
    *,
    page: bool,
    browser: bool,
) -> None:
    from zoo.errors import UsageError

    if not 0 < megapixels <= 1000:
        raise UsageError(f"--max-pixels takes megapixels, above 0 and at most 1000, not {megapixels:g}")
    with needs_extra("ui" if page else "serve", "ui"):
        from zoo.web.app import make_app
        from zoo.web.serve import address, is_loopback, listen, new_token, serve

    given = os.environ.get(TOKEN_VARIABLE, "")
    if given and (len(given) < 16 or not given.isascii() or not given.isprintable() or " " in given):
        raise UsageError(f"{TOKEN_VARIABLE} must be 16 or more letters and digits, or unset")
    token = given or new_token()
    loopback = is_loopback(host)
    listening = listen(host, port)
    app = make_app(
        shelf,
        token,
        page=page,
        loopback=loopback,
        names=tuple(names or ()),
        max_pixels=int(megapixels * 1e6),
        workers=workers,
    )
    url = address(listening, host, token)
    plain = url.partition("#")[0]
    if not loopback:
        note(
            f"{host} can be reached by others: whoever has the token runs models here, and what is sent is not "
            "encrypted; put a proxy with TLS in front of it"
        )

    def ready() -> None:
        if page:
            echo(url)
        else:
            echo(plain if given else f"{plain}  token: {token}")

    serve(app, listening, ready, url if browser else "")
