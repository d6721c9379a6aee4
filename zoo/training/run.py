"""The folder of one run: recipe, metrics, curves, sample pictures, states and the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor

from zoo.files import write_whole


class Run:
    """Paths of a run folder, and what is written to them during training: by one process, where several train."""

    def __init__(self, folder: Path, *, writes: bool = True) -> None:
        self.folder, self.writes = folder, writes
        self.recipe = folder / "recipe.toml"
        self.precision = folder / "precision.json"
        self.metrics = folder / "metrics.jsonl"
        self.states = folder / "state"
        self.samples = folder / "samples"
        self.checkpoint = folder / "checkpoint"
        if writes:
            self.samples.mkdir(parents=True, exist_ok=True)
            self.states.mkdir(exist_ok=True)

    def log(self, row: Mapping[str, Any]) -> None:
        """Add one line of figures."""
        if self.writes:
            with self.metrics.open("a", encoding="utf-8") as file:
                file.write(json.dumps(dict(row)) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """Every line of figures; a last line that a kill cut short is left out."""
        if not self.metrics.exists():
            return []
        rows = []
        for line in self.metrics.read_text(encoding="utf-8").splitlines():
            try:
                rows.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return rows

    def forget_after(self, step: int) -> None:
        """Drop the figures of steps that will be done again."""
        if not self.writes:
            return
        kept = "".join(json.dumps(row) + "\n" for row in self.rows() if row["step"] <= step)
        write_whole(self.metrics, kept.encode(), force=True)

    def draw(self, samples: Tensor | None, step: int) -> None:
        """Write a picture sheet (3, H, W) in [0, 1] as `samples/STEP.png`."""
        if samples is not None and self.writes:
            pixels = (samples.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
            Image.fromarray(np.ascontiguousarray(pixels)).save(self.samples / f"{step:09d}.png")
