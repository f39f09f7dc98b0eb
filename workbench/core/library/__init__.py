"""The library: examples, their rights, and what brings them in."""
