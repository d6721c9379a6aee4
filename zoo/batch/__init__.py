"""Pictures by the million: one picture from bytes to bytes, for whatever hands them out."""

from __future__ import annotations

from zoo.batch.runner import Runner

__all__ = ["Runner"]
