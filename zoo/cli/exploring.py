"""`zoo map`: a latent space, drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from zoo.cli import options as opt
from zoo.cli.console import echo, needs_extra, progress
from zoo.cli.light import LightTyper
from zoo.cli.results import encoded, open_model, picture_target

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zoo.arrays import Floats
    from zoo.datasets import Source
    from zoo.inference.model import Model
    from zoo.plots.projection import Plane


# Enough pictures of a generator to find along which directions they change.
DRAWN = 1000


Kind = Literal["auto", "scatter", "thumbnails", "grid", "prior", "kl"]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Latents (N, *latent_shape), the posterior's standard deviation if known, labels, and where the pictures are."""

    mean: Floats
    std: Floats | None
    remark: str
    labels: Sequence[Mapping[str, str]] = ()
    source: Source | None = None
    rows: Sequence[int] = ()


verbs = LightTyper()


@verbs.command("map", short_help="Draw a model's latent space.")
def map_(
    model: opt.Model,
    data: Annotated[str | None, opt.value("Pictures: pack:NAME, folder:PATH, torchvision:NAME, ...", "SOURCE")] = None,
    split: Annotated[str, opt.value("train, val or test.", "SPLIT")] = "test",
    latents: Annotated[Path | None, opt.value("What `zoo encode` wrote, instead of pictures.", "FILE.npz")] = None,
    kind: Annotated[Kind, opt.value("scatter, thumbnails, grid, prior or kl; auto: by the labels.", "KIND")] = "auto",
    label: Annotated[str | None, opt.value("The label that colours the scatter.", "COLUMN")] = None,
    limit: Annotated[int, opt.value("At most so many pictures.", "N", min=3, max=1_000_000)] = 3000,
    side: Annotated[int, opt.value("Pictures along a side of the grid.", "N", min=2, max=60)] = 20,
    out: Annotated[str | None, opt.out("The plot to write.", "FILE")] = None,
    force: opt.Replace = False,
    backend: opt.Backend = "auto",
    device: opt.Device = "auto",
) -> None:
    """Draw a model's latent space, for example: zoo map conv-vae.mnist-2d --data torchvision:MNIST -o map.png

    scatter: latents, coloured by label. thumbnails: pictures in their places. grid: what the model decodes over a
    plane. prior: latents against the standard normal. kl: nats of each picture and each dimension. Latents of more than
    two dimensions are shown along their two principal components. A model that only generates needs no pictures: its
    grid goes along the two directions in which what it generates changes most.
    """
    with needs_extra("map", "plot"):
        from zoo.plots.figures import write_figure
    from zoo.errors import UsageError

    if data and latents:
        raise UsageError("--data SOURCE or --latents FILE.npz: not both")
    loaded = open_model(model, backend, device)
    target = picture_target(loaded, "map", out, force)
    flat = loaded.latent_shape == (2,)
    if kind == "grid" and flat and not data and not latents:
        figure = _grid(loaded, None, side)
    elif kind in ("auto", "grid") and not data and not latents and loaded.capabilities == ("decode", "generate"):
        figure = _grid(loaded, _from_prior(loaded, limit), side)
    elif data or latents:
        posterior = kind in ("prior", "kl")
        found = _from_file(loaded, latents) if latents else _from_source(loaded, str(data), split, limit, posterior)
        figure = _drawn(loaded, found, kind, label, side)
    else:
        raise UsageError("say which pictures: --data SOURCE, or --latents FILE.npz")
    write_figure(target, figure, force=force)
    echo(target)


def _from_source(model: Model, data: str, split: str, limit: int, posterior: bool) -> Encoded:
    """Encode at most `limit` pictures of a source, evenly spread over it."""
    import numpy as np

    from zoo.datasets import open_source

    model.require("encode")
    source = open_source(data, split, model.interface.takes("encode").channels)
    rows = np.unique(np.linspace(0, len(source) - 1, min(limit, len(source))).round().astype(int)).tolist()
    mean, std = encoded(model, source, rows, model.id, posterior)
    labels = [source.labels(row) for row in rows]
    return Encoded(mean, std, f"{len(rows):,} pictures of {data}, split {split}", labels, source, rows)


def _from_prior(model: Model, limit: int) -> tuple[Plane, str]:
    """The plane of a model that only generates: along it the pictures of draws from its prior change most."""
    import numpy as np

    from zoo.plots.projection import changing_plane

    latents = model.draw(min(limit, DRAWN))
    pictures = []
    with progress(model.id, len(latents)) as bar:
        for part in np.array_split(latents, -(-len(latents) // 50)):
            pictures.append(model.decode(part))
            bar.at(50 * len(pictures), len(latents))
    return changing_plane(latents, np.concatenate(pictures)), f"{len(latents):,} draws, through the first of them"


def _from_file(model: Model, path: Path) -> Encoded:
    """What `zoo encode` wrote."""
    from zoo.errors import UsageError
    from zoo.jobs.operands import read_latents

    content = read_latents(path)
    if content.latents.shape[1:] != model.latent_shape:
        raise UsageError(
            f"{path} holds latents of shape {content.latents.shape[1:]}; those of {model.id} have {model.latent_shape}"
        )
    return Encoded(content.latents, content.std, f"{len(content.latents):,} latents of {path.name}")


def _drawn(model: Model, found: Encoded, kind: Kind, label: str | None, side: int) -> Figure:
    """The figure of a kind; `auto` is a scatter where there is a label, else thumbnails where there are pictures."""
    from zoo.plots.projection import principal_plane, whole_plane

    label = label or ("label" if any("label" in row for row in found.labels) else None)
    if kind == "auto":
        kind = "scatter" if label or not found.source else "thumbnails"
    if kind in ("prior", "kl"):
        return _posterior(model, found, kind)
    plane = whole_plane() if found.mean.shape[1:] == (2,) else principal_plane(found.mean)
    if kind == "grid":
        return _grid(model, (plane, found.remark), side)
    if kind == "thumbnails":
        return _thumbnails(model, found, plane)
    return _scatter(model, found, plane, label)


def _scatter(model: Model, found: Encoded, plane: Plane, label: str | None) -> Figure:
    from zoo.datasets.attributes import column_values
    from zoo.plots.maps import scatter

    labels = column_values(found.labels, label) if label else None
    latent = model.interface.latent
    return scatter(
        plane.points(found.mean),
        plane.names,
        f"Latent space of {model.id}",
        found.remark,
        labels,
        label or "",
        prior=plane.shares is None and latent is not None and latent.prior == "normal",
    )


def _thumbnails(model: Model, found: Encoded, plane: Plane) -> Figure:
    from zoo.errors import UsageError
    from zoo.plots.maps import pick_cells, thumbnails

    if found.source is None:
        raise UsageError("thumbnails need the pictures: --data SOURCE instead of --latents")
    points = plane.points(found.mean)
    picked, centers = pick_cells(points)
    pictures = [found.source.picture(found.rows[position]) for position in picked]
    remark = f"{len(picked)} of {found.remark}, each drawn at the nearest place of a grid"
    return thumbnails(points, picked, centers, pictures, plane.names, f"Latent space of {model.id}", remark)


def _grid(model: Model, along: tuple[Plane, str] | None, side: int) -> Figure:
    """Decoded points of a plane; without data the plane of a latent of two dimensions."""
    import numpy as np

    from zoo.plots.maps import decoded_grid
    from zoo.plots.projection import grid_points, whole_plane

    model.require("decode")
    plane, remark = along or (whole_plane(), "")
    ticks, points = grid_points(plane, side)
    latents = plane.latents(points)
    pictures = []
    with progress(model.id, side) as bar:
        for row in np.split(latents, side):
            pictures.append(model.decode(row))
            bar.advance()
    steps = "steps of equal probability of the standard normal"
    if plane.shares is not None:
        steps = f"steps of equal probability of a normal around the mean of {remark}"
    return decoded_grid(
        np.concatenate(pictures), ticks, plane.names, f"What {model.id} decodes over its latent space", steps
    )


def _posterior(model: Model, found: Encoded, kind: Kind) -> Figure:
    """Plots of the posterior: latents against the standard normal, and the KL."""
    from zoo.errors import UnsupportedCapability
    from zoo.inference.latents import noise
    from zoo.plots.posteriors import kl_bars, kl_divergence, prior_histograms

    mean = found.mean.reshape(len(found.mean), -1)
    std = found.std.reshape(mean.shape) if found.std is not None else None
    if kind == "kl":
        if std is None:
            where = "the file has no std: zoo encode --std" if found.source is None else "its encoder gives a point"
            raise UnsupportedCapability(f"there is no posterior of {model.id} to take a KL of: {where}")
        return kl_bars(kl_divergence(mean, std), f"KL divergence of {model.id} from its prior", found.remark)
    if std is None:
        order, samples, what = mean.var(axis=0).argsort()[::-1], mean, "latents"
        remark = f"{found.remark}; dimensions in order of their variance"
    else:
        order = kl_divergence(mean, std).mean(axis=0).argsort()[::-1]
        samples, what = mean + std * noise(len(mean), mean.shape[1:], 0), "sampled posterior"
        remark = f"{found.remark}; a draw of each posterior; dimensions in order of their KL"
    return prior_histograms(samples, order, f"Latents of {model.id} against the standard normal", remark, what)
