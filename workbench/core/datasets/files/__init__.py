"""Training files: formats, checking what comes from elsewhere, taking it in, and writing versions out."""
