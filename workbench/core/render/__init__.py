"""Everything a piece can be shown as: MIDI, MusicXML, sound, engraving, figures."""

from workbench.core.render.audio import ogg_bytes, synthesize, synthesize_voices, voice_files, wav_bytes
from workbench.core.render.engraving import engrave
from workbench.core.render.export import Rendered, render_files
from workbench.core.render.midi import midi_bytes, pretty_midi_of
from workbench.core.render.musicxml import musicxml
from workbench.core.render.phrase_plan import phrase_plan, phrase_plan_json
from workbench.core.render.piano_roll import piano_roll, piano_roll_json
from workbench.core.render.time_axis import FigureJson, timeline

__all__ = [
    "FigureJson",
    "Rendered",
    "engrave",
    "midi_bytes",
    "musicxml",
    "ogg_bytes",
    "phrase_plan",
    "phrase_plan_json",
    "piano_roll",
    "piano_roll_json",
    "pretty_midi_of",
    "render_files",
    "synthesize",
    "synthesize_voices",
    "timeline",
    "voice_files",
    "wav_bytes",
]
