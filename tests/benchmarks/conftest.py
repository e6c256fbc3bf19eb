"""The benchmarks are scripts beside the package: their folders are put on the path."""

import sys
from pathlib import Path

for folder in ("weights", "benchmarks"):
    sys.path.insert(0, str(Path(__file__).parents[2] / folder))
