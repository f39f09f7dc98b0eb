"""Musical forms as data: their sections, keys, returns and proportions.

After Caplin, *Classical Form* (1998), and Green, *Form in Tonal Music* (1979). Keys are Roman numerals of the home key,
one for major and one for minor pieces. A section with a ``rank`` may be left out of a short piece, the highest first.
"""

from __future__ import annotations

from dataclasses import dataclass

from workbench.core.music.cadences import CadenceType


@dataclass(frozen=True)
class SectionForm:
    """One section of a form: what it is for, where it lies, how long it is beside the others, and how it ends."""

    name: str
    role: str
    weight: float
    major: tuple[str, ...] = ("I",)
    minor: tuple[str, ...] = ("i",)
    cadence: CadenceType = "PAC"
    returns: str = ""
    rank: int = 0


@dataclass(frozen=True)
class FormDescription:
    """A form: ``opening``, then ``cycle`` repeated between the counts of ``cycles``, then ``closing``.

    Names in a cycle are numbered as they come. ``bars`` is a comfortable length in bars of moderate tempo.
    """

    id: str
    title: str
    meaning: str
    opening: tuple[SectionForm, ...]
    cycle: tuple[SectionForm, ...] = ()
    cycles: tuple[int, int] = (0, 0)
    closing: tuple[SectionForm, ...] = ()


_CODA = SectionForm("Coda", "coda", 0.35, cadence="PAC", rank=9)

FORMS: dict[str, FormDescription] = {
    form.id: form
    for form in (
        FormDescription(
            "ABA",
            "Ternary (A B A′)",
            "A closed first part, a contrasting middle in another key, and the first part again, varied.",
            (
                SectionForm("A", "theme", 1.0),
                SectionForm("B", "contrast", 0.9, major=("IV", "vi", "V", "i"), minor=("III", "VI", "iv", "I")),
                SectionForm("A'", "return", 1.0, returns="A"),
            ),
            closing=(_CODA,),
        ),
        FormDescription(
            "rondo",
            "Rondo (A B A C A)",
            "A refrain that always returns in the tonic, between episodes in other keys.",
            (SectionForm("A", "refrain", 1.0),),
            cycle=(
                SectionForm(
                    "episode", "episode", 0.9, major=("V", "vi", "IV", "i", "ii"), minor=("III", "VI", "iv", "v", "I")
                ),
                SectionForm("A", "refrain", 0.95, returns="A"),
            ),
            cycles=(1, 4),
            closing=(_CODA,),
        ),
        FormDescription(
            "theme-variation",
            "Theme and variations",
            "A theme, then the same phrases and harmony with new figuration, mode, texture or tempo of notes.",
            (SectionForm("Theme", "theme", 1.0),),
            cycle=(SectionForm("Var.", "variation", 1.0, returns="Theme"),),
            cycles=(1, 10),
            closing=(_CODA,),
        ),
        FormDescription(
            "sonata",
            "Sonata form",
            "Two subjects, the second in V (or III); a development that wanders; both again in the tonic.",
            (
                SectionForm("Exposition (P)", "exposition-primary", 1.0),
                SectionForm("Transition", "transition", 0.5, major=("V",), minor=("III",), cadence="HC", rank=6),
                SectionForm("Exposition (S)", "exposition-secondary", 1.0, major=("V",), minor=("III",)),
                SectionForm("Closing", "closing", 0.4, major=("V",), minor=("III",), rank=8),
                SectionForm(
                    "Development",
                    "development",
                    1.2,
                    major=("vi", "ii", "IV", "i", "iii"),
                    minor=("iv", "VI", "VII", "v"),
                    cadence="HC",
                ),
                SectionForm("Retransition", "retransition", 0.4, cadence="HC", rank=7),
                SectionForm("Recapitulation (P)", "recapitulation-primary", 0.9, returns="Exposition (P)"),
                SectionForm("Recapitulation (S)", "recapitulation-secondary", 1.0, returns="Exposition (S)", rank=4),
            ),
            closing=(_CODA,),
        ),
        FormDescription(
            "minuet-trio",
            "Minuet and trio",
            "A dance, a quieter second dance in a related key, and the first dance again.",
            (
                SectionForm("Minuet", "minuet", 1.0),
                SectionForm("Trio", "trio", 0.9, major=("IV", "I", "vi", "V", "i"), minor=("III", "I", "VI")),
                SectionForm("Minuet da capo", "da-capo", 1.0, returns="Minuet"),
            ),
        ),
        FormDescription(
            "binary",
            "Binary (A B)",
            "Two parts: the first leads from the tonic to V (or III), the second comes home.",
            (
                SectionForm("A", "first-reprise", 1.0, major=("I",), minor=("i",), cadence="HC"),
                SectionForm("B", "second-reprise", 1.2, cadence="PAC"),
            ),
            closing=(_CODA,),
        ),
        FormDescription(
            "rounded-binary",
            "Rounded binary (A B A′)",
            "A first part, a middle that ends open on V, and the opening again, now closing in the tonic.",
            (
                SectionForm("A", "first-reprise", 1.0),
                SectionForm("B", "contrasting-middle", 0.7, major=("V", "vi"), minor=("III", "v"), cadence="HC"),
                SectionForm("A'", "return", 1.0, returns="A"),
            ),
            closing=(_CODA,),
        ),
    )
}
FORM_IDS: tuple[str, ...] = tuple(FORMS)
PERIODS: tuple[str, ...] = ("baroque", "classical", "romantic", "modern")
