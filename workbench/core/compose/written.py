"""What the composer has written: phrases and sections with their plans, before they are put into words."""

from __future__ import annotations

from typing import NamedTuple

from workbench.core.compose.harmony import Harmony
from workbench.core.compose.plan import PhrasePlan, SectionPlan
from workbench.core.compose.reprise import Note
from workbench.core.compose.themes import Palette
from workbench.core.music.degrees import DegreeValue
from workbench.core.music.keys import Key


class WrittenPhrase(NamedTuple):
    """A finished phrase: its plan, its chords, its notes as positions, and the tune as the structure writes it."""

    plan: PhrasePlan
    key: Key
    harmony: Harmony
    notes: tuple[Note, ...]
    degrees: tuple[DegreeValue, ...]
    rhythm: tuple[float, ...]


class WrittenSection(NamedTuple):
    """A finished section and the palette it was made from."""

    plan: SectionPlan
    palette: Palette
    phrases: tuple[WrittenPhrase, ...]
