"""What was read in a source and what was guessed, told apart, each in a sentence."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction

from workbench.core.library.importers.analysis import Analysis, Fact, Imported, PhraseSource
from workbench.core.library.importers.registry import File, ImportedPiece
from workbench.core.library.importers.texts import MAX_LICENCE, file_name, shown
from workbench.core.music.structure import Phrase

_LISTED = 60


def piece_of(format: str, file: File, analysis: Analysis, imported: Imported) -> ImportedPiece:
    """The piece that an analysis has become, with its facts."""
    known = [fact for fact in facts_of(analysis, imported) if fact.value]
    source = imported.source
    return ImportedPiece(
        format=format,
        name=file_name(file.name),
        structure=imported.structure,
        source=source._replace(
            title=shown(source.title),
            composer=shown(source.composer),
            analyst=shown(source.analyst),
            licence=shown(source.licence, MAX_LICENCE),
        ),
        read=tuple(fact for fact in known if fact.confidence >= 1),
        guessed=tuple(fact for fact in known if fact.confidence < 1),
        notes=imported.notes,
    )


def facts_of(analysis: Analysis, imported: Imported) -> list[Fact]:
    """All facts about a piece; those that its reader guessed stand in place of what would have been read.

    A guess without a value keeps the one that was found.
    """
    found = {fact.what: fact for fact in (*_words(analysis), *_music(analysis, imported))}
    for guess in analysis.guesses:
        known = found.get(guess.what)
        found[guess.what] = guess._replace(value=known.value) if known and not guess.value else guess
    return list(found.values())


def _words(analysis: Analysis) -> list[Fact]:
    source = analysis.source
    return [
        Fact("title", shown(source.title), "The title stands in the file."),
        Fact("composer", shown(source.composer), "The composer is named in the file."),
        Fact("analyst", shown(source.analyst), "The analyst is named in the file."),
        Fact("licence", shown(source.licence, MAX_LICENCE), "The file says so about rights."),
        Fact("instruments", shown(analysis.instrumentation, 400), "The parts are named in the file."),
    ]


def _music(analysis: Analysis, imported: Imported) -> list[Fact]:
    structure, marked = imported.structure, [len(bar.breaks) for bar in analysis.bars]
    phrases = [(source, _phrase(imported, source)) for source in imported.timeline.phrases]
    ends = [(_last_bar(analysis, imported, source), phrase.cadence) for source, phrase in phrases]
    closes = _listed(f"{cadence} {bar}" for bar, cadence in ends if cadence)
    parts = sum(each.ends_part for bar in analysis.bars for each in bar.breaks)
    sung = sum(phrase.melody is not None for _, phrase in phrases)
    figures = sum(len(bar.chords) for bar in analysis.bars)
    named = analysis.names_cadences
    facts = [
        Fact("meter", analysis.meter, f"The meter is written in the file: {analysis.meter}."),
        Fact("local keys", _keys(analysis), "The keys are the analyst's, by the bar in which each begins."),
        Fact("numerals", str(figures), f"{figures} numerals are the analyst's."),
        Fact("key", structure.key, "The home key is named in the file.")
        if analysis.home
        else Fact("key", structure.key, "The home key is taken to be the one that the piece closes in.", 0.8),
        Fact("tempo", f"{structure.tempo:g}", "The tempo is written in the file, in quarters a minute.")
        if analysis.tempo is not None
        else Fact("tempo", f"{structure.tempo:g}", "No tempo is written: a moderate one is assumed.", 0.2),
        Fact("cadences", _named_closes(analysis), "The cadences are named in the file, each with its bar.")
        if named
        else Fact("cadences", closes, "The cadences are what the numerals before each phrase's end spell.", 0.7),
        Fact("phrases", _listed(bar for bar, _ in ends), "The ends of phrases are marked in the file, by their bars.")
        if analysis.phrased and sum(marked) > 1
        else Fact("phrases", _listed(bar for bar, _ in ends), "Phrases are divided where the harmony closes.", 0.5),
        Fact("sections", str(len(structure.sections)), "Sections end at repeats, double bars and changes of key.")
        if parts > 1 or analysis.headings
        else Fact("sections", str(len(structure.sections)), "A section is a run of phrases in one key.", 0.5),
        Fact("form", structure.form, "The form is named in the file.")
        if analysis.source.form
        else Fact("form", structure.form, "The file names no form.", 0.1),
    ]
    if structure.period:
        facts.append(Fact("period", structure.period, "The period is the one that the composer is counted to.", 0.9))
    if sung:
        facts.append(Fact("tune", f"{sung} of {len(phrases)} phrases", "The tune is the highest part's.", 0.9))
    return facts


def _phrase(imported: Imported, source: PhraseSource) -> Phrase:
    return (imported.structure.sections[source.section].phrases or ())[source.phrase]


def _last_bar(analysis: Analysis, imported: Imported, source: PhraseSource) -> str:
    """The source's name of the bar that a phrase ends in."""
    places = imported.timeline.places
    index = bisect_right(places, source.end - Fraction(1, 64), key=lambda place: place.laid) - 1
    return analysis.bars[max(0, index)].name


def _named_closes(analysis: Analysis) -> str:
    return _listed(f"{chord.cadence} {bar.name}" for bar in analysis.bars for chord in bar.chords if chord.cadence)


def _keys(analysis: Analysis) -> str:
    found: list[str] = []
    key = None
    for bar in analysis.bars:
        for chord in bar.chords:
            if chord.key != key:
                key = chord.key
                found.append(f"{key.name} {bar.name}")
    return _listed(found)


def _listed(items: Iterable[str]) -> str:
    texts = list(items)
    more = f" and {len(texts) - _LISTED} more" if len(texts) > _LISTED else ""
    return ", ".join(texts[:_LISTED]) + more
