"""Words for places on the plane of valence and arousal (after Russell 1980)."""

from __future__ import annotations

WORDS: tuple[tuple[str, str, str], ...] = (
    ("agitated", "excited", "joyful"),
    ("sombre", "thoughtful", "warm"),
    ("melancholic", "calm", "serene"),
)
"""Rows from aroused to calm, columns from dark to bright."""


def mood_word(valence: float, arousal: float) -> str:
    """One word for a mood: valence -1 to 1, arousal 0 to 1."""
    column = min(2, max(0, int((valence + 1) * 1.5)))
    row = min(2, max(0, int((1 - arousal) * 3)))
    return WORDS[row][column]
