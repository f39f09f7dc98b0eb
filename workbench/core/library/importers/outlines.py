"""What a score's words and marks say about the whole: tempo, form and who plays."""

from __future__ import annotations

import re

from workbench.core.library.importers.analysis import Fact
from workbench.core.library.importers.scores import WrittenScore

_TEMPI = (
    (r"larghetto", 66), (r"largo|grave|lent(o|ement)?\b", 52), (r"adagio|langsam", 60), (r"andantino", 84),
    (r"andante|gehend", 76), (r"moderato|mässig|mäßig", 100), (r"allegretto", 112), (r"prestissimo", 190),
    (r"presto|sehr schnell", 172), (r"vivace|vif\b|lebhaft", 150), (r"allegro|schnell|animato", 132),
    (r"men?uett?o?\b", 120), (r"tempo di valse|walzer|waltz", 160), (r"marc(h|ia)|marsch", 112),
)  # fmt: skip
_FORMS = (
    (r"men?uett?o?|minuet|trio\b", "minuet-trio"), (r"rond(o|eau)", "rondo"),
    (r"variation|variazion", "theme-variation"), (r"choral", "chorale"), (r"madrigal", "madrigal"),
    (r"da capo aria|aria\b", "ABA"),
)  # fmt: skip
_NAMELESS = re.compile(r"^$|^(musicxml )?part\b|^instrument\b|^stav?ff?e?\b|^track\b|^unnamed", re.I)
_SINGERS = re.compile(r"sopran|alto?\b|tenor|bas{1,2}o?\b|cantus|quint(us|o)|canto", re.I)


def tempo_of(score: WrittenScore) -> Fact:
    """The tempo in quarters a minute: written, or what its word usually means, or a moderate one."""
    if score.tempo is not None:
        return Fact("tempo", f"{score.tempo:g}", "The tempo is written in the file, in quarters a minute.")
    text = f"{score.words} {score.source.title}".lower()
    for pattern, pace in _TEMPI:
        found = re.search(pattern, text)
        if found:
            return Fact("tempo", str(pace), f"{found[0].capitalize()!r} is taken for {pace} quarters a minute.", 0.5)
    return Fact("tempo", "96", "No tempo is written: a moderate one is assumed.", 0.2)


def form_of(score: WrittenScore, fermatas: bool) -> Fact:
    """The form that words name or repeats suggest."""
    names = " ".join(name for _, name in score.headings)
    text = f"{score.source.title} {score.words} {names}".lower()
    if fermatas and 3 <= len(score.parts) <= 6:
        return Fact("form", "chorale", "Several parts with fermatas at the ends of lines are a chorale.", 0.8)
    for pattern, form in _FORMS:
        found = re.search(pattern, text)
        if found:
            return Fact("form", form, f"{found[0]!r} in the score's words names the form.", 0.7)
    total = score.bars[-1].start + score.bars[-1].length
    inner = [end for end in score.ends if total * 0.2 < end < total * 0.8]
    if len(inner) == 1 and len(score.bars) <= 60:
        return Fact("form", "binary", "A double bar or repeat divides the piece in two.", 0.4)
    return Fact("form", "through-composed", "Nothing in the file names a form.", 0.1)


def instruments_of(score: WrittenScore) -> str:
    """The parts' names, each once; ``choir`` for singers."""
    named = [re.sub(r"\s*\d+$", "", part.name) for part in score.parts if not _NAMELESS.match(part.name)]
    names = list(dict.fromkeys(named))
    if names and all(_SINGERS.search(name) or len(name) < 3 for name in names):
        return "choir"
    return ", ".join(names)[:400]
