"""Write docs/leaderboard.md from the figures on the cards of the bundled models: python scripts/leaderboard.py"""

from __future__ import annotations

from pathlib import Path

from zoo.catalog.spec import parse_config
from zoo.evaluation.leaderboard import boards, markdown

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "docs" / "leaderboard.md"
HEAD = """# Leaderboard

The models that come with the zoo, by task and by the pictures that they were measured on. Written by
`python scripts/leaderboard.py` from the figures on the cards; the command that computed them is there too.
`zoo eval --all` prints the same of whatever is installed, `zoo eval --all --task colorize --rerun` computes it anew.

Figures of other pictures, or at another size, can't be compared. In brackets is the baseline's figure, after ± the
standard error; an arrow says which way is better. [Evaluation](evaluation.md) says what the figures are.

"""


def text() -> str:
    """The document."""
    files = sorted(ROOT.glob("plugins/*/checkpoints/*/config.json"))
    return HEAD + markdown(boards([parse_config(file.read_bytes(), file) for file in files]))


def main() -> None:
    """Write the document."""
    TARGET.write_text(text(), encoding="utf-8")
    print(TARGET.relative_to(ROOT))


if __name__ == "__main__":
    main()
