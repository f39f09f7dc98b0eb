"""How many sections a form has at a given length, and how many bars each of them gets."""

from __future__ import annotations

from workbench.core.music.forms import FormDescription, SectionForm

COMFORTABLE = 7.5
"""Bars for a section of weight 1 below which a form gives up a section that it can do without."""
COMFORTABLE_CYCLE = 6.7
"""The same for one more episode."""


def sections_of(form: FormDescription, bars: int) -> list[SectionForm]:
    """The sections that fit: cycles are added while there is room, optional sections dropped while there is not."""
    if form.id == "theme-variation":
        return _variations(form, bars)
    cycles = form.cycles[1]
    while True:
        sections = [*form.opening, *(section for _ in range(cycles) for section in form.cycle), *form.closing]
        optional = sorted({section.rank for section in sections if section.rank}, reverse=True)
        comfortable = COMFORTABLE_CYCLE if cycles > form.cycles[0] else COMFORTABLE
        for rank in (None, *optional):
            kept = [section for section in sections if not section.rank or rank is None or section.rank < rank]
            weight = sum(section.weight for section in kept)
            if bars / weight >= comfortable:
                return kept
        if cycles <= form.cycles[0]:
            break
        cycles -= 1
    kept = [section for section in sections if not section.rank]
    # Very short: the outline alone, one bar each at least.
    while len(kept) > max(2, bars):
        kept.pop(-2 if len(kept) > 2 else -1)
    return kept


def share_bars(form: FormDescription, sections: list[SectionForm], bars: int) -> list[int]:
    """Bars for each section, in fours where possible, summing to ``bars``; returns are as long as their originals."""
    if form.id == "theme-variation":
        return _equal(sections, bars)
    total = sum(section.weight for section in sections)
    for grain in (8, 4, 2, 1):
        if bars >= grain * len(sections) * 1.5 or grain == 1:
            lengths = [max(grain, round(bars * section.weight / total / grain) * grain) for section in sections]
            if _settle(sections, lengths, bars, grain):
                return lengths
    return lengths


def _settle(sections: list[SectionForm], lengths: list[int], bars: int, grain: int) -> bool:
    """Make the lengths sum to ``bars``: the sections that may stretch take up the difference."""
    for index, section in enumerate(sections):
        source = next((at for at in range(index) if sections[at].name == section.returns), None)
        if source is not None and abs(lengths[source] - lengths[index]) <= grain:
            lengths[index] = lengths[source]
    flexible = ["coda", "development", "contrast", "episode", "contrasting-middle", "trio", "second-reprise"]
    order = sorted(
        range(len(sections)),
        key=lambda at: flexible.index(sections[at].role) if sections[at].role in flexible else len(flexible) + at,
    )
    first = list(lengths)
    for slack in (0.5, 0.25, 0.0):  # how far a section may shrink, more only when it must
        for step in (grain, 1):
            moved = True
            while moved and abs(bars - sum(lengths)) >= step:
                moved = False
                for at in order:
                    gap = bars - sum(lengths)
                    smallest = max(1, 3 if sections[at].role == "coda" else 1, round(first[at] * slack))
                    if gap >= step:
                        lengths[at] += step
                    elif gap <= -step and lengths[at] - step >= smallest:
                        lengths[at] -= step
                    else:
                        continue
                    moved = True
                    if step == 1 or abs(bars - sum(lengths)) < step:
                        break
    return sum(lengths) == bars and min(lengths) >= 1


def _variations(form: FormDescription, bars: int) -> list[SectionForm]:
    theme, count, rest = _theme_length(form, bars)
    sections = [*form.opening, *(form.cycle * count)]
    return [*sections, *form.closing] if rest >= 3 and theme >= 4 else sections


def _theme_length(form: FormDescription, bars: int) -> tuple[int, int, int]:
    """Bars in the theme, how many variations, and bars left over for a coda."""
    low, high = form.cycles
    best: tuple[float, int, int, int] | None = None
    for theme in range(1, bars // 2 + 1):
        count = min(high, bars // theme - 1)
        if count < low:
            break
        rest = bars - theme * (count + 1)
        if rest > theme:
            continue
        odd = 0 if theme % 8 == 0 else 1 if theme % 4 == 0 else 2 if theme % 2 == 0 else 3
        score = odd + abs(theme - 14) * 0.12 + abs(count - 4) * 0.35 + (1.5 if 0 < rest < 3 else 0)
        if best is None or score < best[0]:
            best = (score, theme, count, rest)
    if best is None:
        return max(1, bars // 2), 1, bars % 2
    return best[1], best[2], best[3]


def _equal(sections: list[SectionForm], bars: int) -> list[int]:
    has_coda = sections[-1].role == "coda"
    parts = len(sections) - has_coda
    if not has_coda:
        lengths = [bars // parts] * parts
        lengths[-1] += bars - sum(lengths)
        return lengths
    count = parts - 1
    best = max(
        (theme for theme in range(1, bars // parts + 1) if bars - theme * parts >= 3),
        key=lambda theme: (-(bars - theme * parts > theme), -abs(bars - theme * parts - min(theme, 8)), theme),
    )
    # The length that sections_of chose is the one that leaves the remainder it counted on.
    chosen = _theme_length_for(count, bars)
    theme = chosen or best
    return [theme] * parts + [bars - theme * parts]


def _theme_length_for(count: int, bars: int) -> int | None:
    from workbench.core.music.forms import FORMS

    theme, found, rest = _theme_length(FORMS["theme-variation"], bars)
    return theme if found == count and rest >= 3 else None
