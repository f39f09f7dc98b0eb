"""Variants: pieces derived from a piece that keep its music true, and all that is said of it."""
