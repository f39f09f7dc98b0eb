"""Which planned section a written one is, and what was planned of it."""

from __future__ import annotations

from difflib import SequenceMatcher

from workbench.core.compose import FormPlan
from workbench.core.compose.plan import SectionPlan
from workbench.core.music.structure import MusicStructure

Pairs = tuple[tuple[SectionPlan, int | None], ...]


def plain_name(name: str) -> str:
    """A name as it is compared: case, spaces and kinds of primes do not count."""
    return " ".join(name.casefold().replace("′", "'").replace("’", "'").split())


def paired(form: FormPlan, structure: MusicStructure) -> Pairs:
    """Each planned section with the index of the one that was written for it, None where there is none.

    As many sections as planned are taken in order. Of more or fewer, those with the planned names are found in order
    (so that a section left out does not shift all that come after it); where no name fits, again in order.
    """
    planned, written = form.sections, structure.sections
    if len(planned) == len(written):
        return tuple((each, index) for index, each in enumerate(planned))
    names = [plain_name(each.name) for each in planned], [plain_name(each.name) for each in written]
    found: dict[int, int] = {}
    for one, other, size in SequenceMatcher(None, *names, autojunk=False).get_matching_blocks():
        found |= {one + step: other + step for step in range(size)}
    if not found:
        found = {index: index for index in range(min(len(planned), len(written)))}
    return tuple((each, found.get(index)) for index, each in enumerate(planned))
