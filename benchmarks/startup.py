"""How long `zoo list` takes, against another plugin host's list and against the bare imports of its own.

pip install latent-zoo llm && python benchmarks/startup.py
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from measure import HEAD, compare, row

RUNS = 21


def main() -> None:
    """Print the table."""
    zoo, llm = (shutil.which(name, path=str(Path(sys.executable).parent)) for name in ("zoo", "llm"))
    if not zoo:
        sys.exit("install latent-zoo into this environment first")
    print(HEAD)
    bare = [sys.executable, "-c", "import typer, pluggy"]
    print(row("`zoo list` / `python -c 'import typer, pluggy'`", *compare([zoo, "list"], bare, RUNS)))
    if llm:
        print(row("`zoo list` / `llm models list`", *compare([zoo, "list"], [llm, "models", "list"], RUNS)))
    else:
        print("llm is not installed: pip install llm", file=sys.stderr)


if __name__ == "__main__":
    main()
