"""Text that may be untrusted, made harmless to a terminal.

Characters of the Unicode categories Cc, Cf, Zl and Zp are obeyed, not shown: among them escape codes, those of C1 too,
and marks that turn the direction of writing, so that a line reads otherwise than it is.
"""

from __future__ import annotations

import unicodedata
from itertools import groupby

OBEYED = frozenset({"Cc", "Cf", "Zl", "Zp"})
# They join the letters beside them, which some scripts and pictograms can't do without.
JOINERS = frozenset("\u200c\u200d")


def obeyed(text: str) -> str:
    """The characters of a text that a terminal would obey, in its order."""
    return "" if text.isprintable() else "".join(char for char in text if unicodedata.category(char) in OBEYED)


def printable(text: str) -> str:
    """One line that a terminal only shows: runs of what it would obey become a space."""
    if text.isprintable():
        return text
    bad = set(obeyed(text)) - JOINERS
    return "".join(" " if hidden else "".join(chars) for hidden, chars in groupby(text, key=lambda char: char in bad))


def printable_lines(text: str) -> str:
    """The same of text in lines, whose ends and tabs are kept."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)
