"""Everything a piece can be shown as: MIDI, MusicXML, sound, engraving, figures."""
