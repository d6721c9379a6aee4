"""From a recipe to a run folder with a checkpoint in it."""

from __future__ import annotations

import json
import logging
from importlib.metadata import version
from pathlib import Path

import msgspec
from torch import Tensor, nn

from zoo.catalog.families import configured, interface_of
from zoo.catalog.registry import Registry, load_object
from zoo.catalog.spec import CheckpointConfig, TrainingSpec
from zoo.checkpoints.format import read_checkpoint
from zoo.datasets import open_source
from zoo.errors import DiskError, NotFoundError, UsageError
from zoo.inference.backends.mixture import MixturePrior
from zoo.recipes.pictures import EdgesTable
from zoo.recipes.recipe import Recipe, read_recipe, write_recipe
from zoo.training.data import held_out_batches
from zoo.training.export import PROBES, export
from zoo.training.loop import Report, Training
from zoo.training.objective import Evaluation, Objective
from zoo.training.own import too_short
from zoo.training.plots import draw_curves
from zoo.training.precision import as_chosen, described, hardware
from zoo.training.prior import choose_prior, encoded, frechet_to
from zoo.training.processes import processes
from zoo.training.run import Run
from zoo.training.state import saved_states
from zoo.weights.initial import read_starts

logger = logging.getLogger("zoo.training")


def first_process() -> bool:
    """Whether this process is the only one that trains, or the one of several that writes and reports."""
    return bool(processes().is_main_process)


def find_recipe(name: str, registry: Registry) -> Path:
    """The recipe file that a path, a shipped recipe's name or a model's id means. Raises NotFoundError."""
    path = Path(name).expanduser()
    if path.suffix == ".toml" and path.is_file():
        return path
    shipped = registry.recipes()
    if name.removesuffix(".toml") in shipped:
        return shipped[name.removesuffix(".toml")]
    for file in shipped.values():
        if read_recipe(file).model.id == name:
            return file
    known = ", ".join(sorted(shipped)) or "none"
    raise NotFoundError(f"no recipe {name}: give a TOML file, a model's id, or one of: {known}")


def build_objective(recipe: Recipe, registry: Registry) -> Objective:
    """The family's objective, configured. Raises UsageError for settings that the family does not take."""
    family = registry.family(recipe.model.family)
    if not family.objective:
        raise UsageError(
            f"family {family.name!r} brings no objective: its weights come from elsewhere, none are trained"
        )
    config = configured(family, recipe.model.config, recipe.model.preset)
    kind = load_object(family.objective, registry.plugin_of(family.name))
    try:
        options = msgspec.convert(recipe.objective, kind.Options)
    except msgspec.ValidationError as error:
        raise UsageError(f"[objective] of the recipe: {error}") from error
    objective: Objective = kind(config, options)
    return objective


def train(
    recipe: Recipe,
    recipe_name: str,
    folder: Path,
    registry: Registry,
    resume: bool,
    report: Report,
    finish: bool = False,
) -> CheckpointConfig:
    """Train, export, draw the curves; returns the config of `folder/checkpoint`.

    Where Accelerate has started several processes, all of them call this, and the first alone writes and reports.

    With `resume`, continues from the newest state of the folder, or begins if there is none yet. With `finish`, takes
    no further step: evaluates the newest state and exports the best one. Raises UsageError for a folder that is in use
    and not to be resumed, or that holds a run of another recipe, and for drawings that are not as the model will be
    given them; NotFoundError where there is no state to finish.
    """
    resume = resume or finish
    recipe = _recipe_in(folder, recipe, resume, finish)
    _refuse_uneven_shares(recipe)
    objective = build_objective(recipe, registry)
    _refuse_other_drawings(recipe, registry)
    _refuse_prior_of_maps(recipe, registry)
    pictures, _ = (  # before a folder is made or an epoch spent
        len(open_source(recipe.data.source, split, recipe.data.channels))
        for split in (recipe.data.splits.train, recipe.data.splits.best)
    )
    together = processes()
    if not finish and together.is_main_process and (remark := too_short(recipe, pictures)):
        logger.warning(remark)
    begun = resume and saved_states(folder / "state")
    wanted = getattr(objective, "pretrained", ())
    starts = {} if begun else read_starts(recipe.init, wanted, registry, recipe.model.family)
    if perceptual := getattr(objective, "perceptual", None):
        perceptual.load()
    together.wait_for_everyone()  # until all have seen the folder as it was
    run = _begun_run(folder, recipe, together.is_main_process)
    training = Training(recipe, objective, run, starts)
    if training.recipe != recipe and run.writes:
        write_recipe(run.recipe, training.recipe)  # with the precision that was chosen: a resumed run keeps it
    if resume:
        training.resume()
    evaluation, weights = training.finish(report) if finish else training.fit(report)
    if not run.writes:
        together.wait_for_everyone()
        return read_checkpoint(run.checkpoint, str(run.checkpoint)).config
    written = _export(training, evaluation, weights, Path(recipe_name).name, registry)
    together.wait_for_everyone()
    return written


def _begun_run(folder: Path, recipe: Recipe, writes: bool) -> Run:
    try:
        run = Run(folder, writes=writes)
        if writes:
            write_recipe(run.recipe, recipe)
    except OSError as error:
        raise DiskError(f"can't write to the run folder {folder}: {error.strerror or error}") from error
    return run


def _export(
    training: Training, evaluation: Evaluation, weights: dict[str, Tensor], recipe_name: str, registry: Registry
) -> CheckpointConfig:
    """Draw the curves, fit the prior and write the checkpoint of a state."""
    recipe, run = training.recipe, training.run
    family = registry.family(recipe.model.family)
    settings = msgspec.to_builtins(configured(family, recipe.model.config, recipe.model.preset))
    config = configured(family, {**settings, **evaluation.config})
    network = load_object(family.network)(config)
    network.load_state_dict(weights)
    facts = TrainingSpec(
        recipe=recipe_name,
        data=f"{recipe.data.source[:220]}, split {recipe.data.splits.train}",  # what config.json takes
        steps=training.best_step,
        seconds=round(training.seconds, 1),
        hardware=f"{'; '.join(training.hardware or [hardware()])}, {described(recipe.train)}"[:300],
        version=f"latent-zoo {version('latent-zoo')}, torch {version('torch')}",
    )
    draw_curves(run.rows(), run.folder / "curves.png", title=recipe.model.id)
    prior = _fitted_prior(recipe, network, registry, run) if recipe.prior else None
    pictures = held_out_batches(evaluated_on(recipe, recipe.data.splits.best)).spread(PROBES)
    return export(network, config, recipe.model, family.name, facts, run.checkpoint, prior, pictures)


def _refuse_prior_of_maps(recipe: Recipe, registry: Registry) -> None:
    """A prior is fitted to latents that are vectors."""
    interface = interface_of(configured(registry.family(recipe.model.family), recipe.model.config, recipe.model.preset))
    if recipe.prior and (latent := interface.latent) and len(latent.shape) != 1:
        raise UsageError(f"a [prior] is fitted to latents of one axis; those of {recipe.model.id} are {latent.shape}")


def _fitted_prior(recipe: Recipe, network: nn.Module, registry: Registry, run: Run) -> MixturePrior | None:
    """The best prior that the recipe asks to try; every candidate's figure is written to `prior.json` of the run."""
    table = recipe.prior
    assert table is not None
    network = network.eval()
    splits = recipe.data.splits
    pictures = held_out_batches(evaluated_on(recipe, splits.train))
    distance = frechet_to(pictures, table, registry) if table.choose == "frechet" else None
    training, held_out = (
        encoded(network, held_out_batches(evaluated_on(recipe, s))) for s in (splits.train, splits.best)
    )
    candidates = choose_prior(network, table, training, held_out, distance)
    figures = {candidate.name: round(candidate.figure, 4) for candidate in candidates}
    report = {"choose": table.choose, "features": table.features, "best": candidates[0].name, "figures": figures}
    (run.folder / "prior.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return candidates[0].prior


def evaluated_on(recipe: Recipe, split: str) -> Recipe:
    """The recipe whose held-out pictures are those of another split, each as a whole."""
    splits = msgspec.structs.replace(recipe.data.splits, best=split)
    return msgspec.structs.replace(recipe, data=msgspec.structs.replace(recipe.data, splits=splits, eval_views=1))


def _recipe_in(folder: Path, recipe: Recipe, resume: bool, finish: bool) -> Recipe:
    """The recipe, in the precision of the run in the folder that is to be resumed; raises as `train`."""
    if finish and not saved_states(folder / "state"):
        raise NotFoundError(f"{folder} has no saved state to finish: train it first, or name its run folder with -o")
    file = folder / "recipe.toml"
    if not resume and folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is in use: --resume continues it, -o names another folder")
    if not resume or not file.exists():
        return recipe
    known = read_recipe(file)
    recipe = as_chosen(recipe, known.train)
    if recipe != known:
        raise UsageError(f"{folder} holds a run of another recipe or other settings: name another folder with -o")
    return recipe


def _refuse_uneven_shares(recipe: Recipe) -> None:
    """Every process takes the same share of a batch."""
    batch, count = recipe.train.batch, processes().num_processes
    if batch % count:
        raise UsageError(f"a batch of {batch} can't be shared by {count} processes: set train.batch to a multiple")


def _refuse_other_drawings(recipe: Recipe, registry: Registry) -> None:
    """Shaded in training and at use, or in neither."""
    interface = interface_of(configured(registry.family(recipe.model.family), recipe.model.config, recipe.model.preset))
    if not isinstance(recipe.degrade, EdgesTable) or "translate" not in interface.roles:
        return
    fit = interface.fit("translate")
    if fit.of_drawings and recipe.degrade.shade != fit.shade:
        wanted = "false" if recipe.degrade.shade else "true"
        raise UsageError(f"the fit of the recipe's model is {fit.name!r}: set degrade.shade to {wanted}")
