"""Where the tests find the golden values and the real data sets, and the mark of tests that need them."""
from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared"
GOLDEN = SHARED / "golden"
DATA = SHARED / "data"

needs_shared = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason="the golden values and real data sets (../shared) are not beside this checkout"
)
