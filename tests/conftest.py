"""What holds for every test."""

from __future__ import annotations

from hypothesis import settings

# A test case on a busy machine may take any time; how fast something is, the benchmarks measure.
settings.register_profile("presend", deadline=None)
settings.load_profile("presend")
