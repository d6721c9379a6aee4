"""How images of any size come to the size a model takes, and its answer back: one row for each way.

What is done is `zoo.inference.fit`, where each name has its function; everything else asks this table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta


class FitSpec(msgspec.Struct, frozen=True):
    """One fit: its name in `config.json`, what it does in words, and what goes with it.

    `of_drawings`: the model is given line drawings, with `shade` the inside of their outlines in gray. `for_encoders`:
    `encode` may have it. `needs_size`: the model must take one square size. `own_size`: the answer has the model's size
    and is brought to the image's. `strength`: its colours can be made weaker or stronger. `deep`: it keeps the image's
    own lightness, so that a result may have 16 bits. `scale`: the answer may be larger than the image by a whole
    factor. `takes` and `gives` are the channels a model with it must have, None for any.
    """

    name: str
    words: str
    of_drawings: bool = False
    for_encoders: bool = False
    needs_size: bool = False
    shade: bool = False
    own_size: bool = False
    strength: bool = False
    deep: bool = False
    scale: bool = False
    takes: int | None = None
    gives: int | None = None


_ROWS = (
    FitSpec("resize", "any picture is resized to that, and its result back", for_encoders=True, own_size=True),
    FitSpec("pad", "any picture is padded to that, and its result cropped back", for_encoders=True, scale=True),
    FitSpec("tile", "any picture is cut into tiles of that, and their results joined", scale=True),
    FitSpec("chroma", "any picture keeps its size and lightness, only the colours are the model's",
            for_encoders=True, strength=True, deep=True, gives=3),
    FitSpec("drawing", "the lines of any drawing are brought to that, and the result back to where they lie",
            of_drawings=True, needs_size=True, takes=1),
    FitSpec("shaded-drawing", "the lines of any drawing are brought to that, the inside of outlines gray, and the "
            "result back", of_drawings=True, needs_size=True, shade=True, takes=1),
)  # fmt: skip
FITS: Mapping[str, FitSpec] = {row.name: row for row in _ROWS}
# The name of a fit: an error about another one lists those there are.
Fit = Annotated[str, Meta(pattern=rf"^({'|'.join(FITS)})\Z")]
