"""Fixtures for everything that renders."""

import pytest
from handmade import build

from workbench.core.music.score import Score


@pytest.fixture
def tune() -> Score:
    """Four bars of C major at one piano, two hands."""
    return build(["C5:1 D5:1 E5:2 F5:3/2 E5:1/2 D5:2 B4:1 C5:1 D5:2 C5:4", "C3:4 F3:4 G3:4 C3:4"])
