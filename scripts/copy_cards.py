"""Copy every bundled model's card and picture to model_cards/, for people who browse: python scripts/copy_cards.py"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Write model_cards/ID.md, and ID.jpg where there is one, for each plugins/*/checkpoints/*/README.md."""
    for card in sorted(ROOT.glob("plugins/*/checkpoints/*/README.md")):
        name = json.loads(card.with_name("config.json").read_text(encoding="utf-8"))["id"]
        target = ROOT / "model_cards" / f"{name}.md"
        target.write_text(card.read_text(encoding="utf-8"), encoding="utf-8")
        print(target.relative_to(ROOT))
        picture = card.with_name(f"{name}.jpg")
        if picture.exists():
            shutil.copyfile(picture, target.with_name(picture.name))


if __name__ == "__main__":
    main()
