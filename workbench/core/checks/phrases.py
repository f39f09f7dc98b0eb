"""Phrases: lengths, and the definitions of period, sentence and hybrid (Caplin 1998, ch. 3 to 5)."""

from __future__ import annotations

from collections.abc import Iterator

from workbench.core.checks.piece import Piece
from workbench.core.checks.registry import Found, register
from workbench.core.music.cadences import strength
from workbench.core.music.structure import Phrase


def _neighbours(piece: Piece) -> Iterator[tuple[int, Phrase, Phrase, str]]:
    for index, section, path in piece.sections:
        phrases = section.phrases or ()
        for number in range(len(phrases) - 1):
            yield index, phrases[number], phrases[number + 1], f"{path}/phrases/{number}"


@register(
    "phrases.antecedent-weaker", "error", source="Caplin 1998, ch. 4: the antecedent ends with the weaker cadence"
)
def antecedent_weaker(piece: Piece) -> Iterator[Found]:
    """In a period the antecedent closes more weakly than its consequent."""
    for index, first, second, path in _neighbours(piece):
        period = (first.role, second.role) == ("antecedent", "consequent") and first.cadence and second.cadence
        if period and strength(first.cadence) >= strength(second.cadence):
            yield (
                f"The antecedent closes with {first.cadence}, its consequent with {second.cadence}.",
                f"{path}/cadence",
                piece.first_measures[index],
                "End the antecedent with HC or IAC and the consequent with PAC.",
            )


@register(
    "phrases.consequent-alike", "warning", source="Caplin 1998, ch. 4: the consequent begins with the basic idea again"
)
def consequent_alike(piece: Piece) -> Iterator[Found]:
    """In a period the consequent opens with the antecedent's idea: the same rhythm or the same degrees."""
    for index, first, second, path in _neighbours(piece):
        if (first.role, second.role) != ("antecedent", "consequent") or not (first.melody and second.melody):
            continue
        same = (
            first.melody.degrees[:3] == second.melody.degrees[:3] or first.melody.rhythm[:3] == second.melody.rhythm[:3]
        )
        chords = (first.chords or ())[:1] == (second.chords or ())[:1]
        if not same and not chords:
            yield (
                "The consequent does not begin like its antecedent.",
                path,
                piece.first_measures[index],
                "Begin both with the same idea.",
            )


@register("phrases.sentence-continues", "warning", source="Caplin 1998, ch. 3: presentation, continuation, cadence")
def sentence_continues(piece: Piece) -> Iterator[Found]:
    """A presentation is followed by a continuation, and does not close by itself."""
    for index, first, second, path in _neighbours(piece):
        if first.role == "presentation":
            if second.role not in {"continuation", "cadential", "fortspinnung", "presentation"}:
                yield (
                    f"A presentation is followed by {second.role or 'nothing that continues it'}.",
                    path,
                    piece.first_measures[index],
                    "Let a continuation follow.",
                )
            if first.cadence == "PAC":
                yield (
                    "A presentation closes too soon.",
                    f"{path}/cadence",
                    piece.first_measures[index],
                    "Take the PAC away.",
                )


@register(
    "phrases.continuation-closes", "warning", source="Caplin 1998, ch. 3", profiles=("baroque", "classical", "romantic")
)
def continuation_closes(piece: Piece) -> Iterator[Found]:
    """A section's last phrase closes: it has a cadence."""
    for index, section, path in piece.sections:
        if section.phrases and section.phrases[-1].cadence is None:
            number = len(section.phrases) - 1
            yield (
                f"{section.name} stops without a cadence.",
                f"{path}/phrases/{number}",
                piece.first_measures[index],
                "Give the last phrase a cadence.",
            )


@register(
    "phrases.length", "warning", source="FACTS: 4 to 5 and 8 to 9 bars are the norms; phrases over 16 bars are rare"
)
def length(piece: Piece) -> Iterator[Found]:
    """A phrase can be sung in one breath: no more than sixteen bars (thirty-two where bars are very short)."""
    longest = 32 if piece.meter.bar_quarters * 60 / piece.structure.tempo < 0.8 else 16
    for index, _, phrase, path in piece.written_phrases:
        if phrase.measures > longest:
            yield (
                f"A phrase of {phrase.measures} bars.",
                f"{path}/measures",
                piece.first_measures[index],
                "Divide it into phrases of four or eight bars.",
            )


@register("phrases.breath", "warning", source="FACTS: Mozart closes on average every five bars")
def breath(piece: Piece) -> Iterator[Found]:
    """Music with written phrases closes now and then: no more than twenty-four bars go by without a cadence."""
    longest = 48 if piece.meter.bar_quarters * 60 / piece.structure.tempo < 0.9 else 24
    open_since, at = 0, 0
    for index, section, path in piece.sections:
        if not section.phrases:
            at += section.measures
            open_since = at
            continue
        for number, phrase in enumerate(section.phrases):
            at += phrase.measures
            if phrase.cadence:
                open_since = at
            elif at - open_since > longest:
                yield (
                    f"{at - open_since} bars without a cadence.",
                    f"{path}/phrases/{number}",
                    piece.first_measures[index],
                    "Close a phrase with a half cadence.",
                )
                open_since = at


@register("phrases.roles-known", "info", source="Phrase roles of this workbench, after Caplin 1998")
def roles_known(piece: Piece) -> Iterator[Found]:
    """Phrase roles use the field's words, so that plans can be compared."""
    known = {
        "antecedent", "consequent", "presentation", "continuation", "cadential", "contrasting", "codetta", "phrase",
        "model", "sequence", "fortspinnung", "vordersatz", "fragmentation", "standing-on-the-dominant", "introduction",
        "transition", "compound-basic-idea", "epilogue",
    }  # fmt: skip
    for index, _, phrase, path in piece.written_phrases:
        if phrase.role is not None and phrase.role not in known:
            yield (
                f"{phrase.role!r} is not a usual phrase role.",
                f"{path}/role",
                piece.first_measures[index],
                ("Use antecedent, consequent, presentation, continuation, cadential, contrasting or codetta."),
            )
