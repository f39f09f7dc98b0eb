"""The music vocabulary: structure, request, keys, chords, cadences, forms, motifs, notes."""
