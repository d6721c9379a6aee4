"""`python scripts/packs/faces OUT`."""

import importlib
import sys
from pathlib import Path

# Run as a folder, Python puts the folder itself on the path; its parent makes it a package beside the other scripts.
sys.path[0] = str(Path(__file__).resolve().parents[1])

if __name__ == "__main__":
    sys.exit(importlib.import_module("faces.command").main())
