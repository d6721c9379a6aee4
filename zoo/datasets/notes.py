"""Remarks on a set of pictures, which the command line prints as notes."""

from __future__ import annotations

import logging
from functools import cache

logger = logging.getLogger("zoo.datasets")


@cache
def say_once(text: str) -> None:
    """Log a remark; each only once, since every split of a source is opened for itself."""
    logger.info(text)
