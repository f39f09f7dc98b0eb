"""Everything a piece can be shown as: MIDI, MusicXML, sound, engraving, figures."""

from workbench.core.render.phrase_plan import phrase_plan, phrase_plan_json
from workbench.core.render.piano_roll import piano_roll, piano_roll_json
from workbench.core.render.time_axis import FigureJson, timeline

__all__ = [
    "FigureJson",
    "phrase_plan",
    "phrase_plan_json",
    "piano_roll",
    "piano_roll_json",
    "timeline",
]
