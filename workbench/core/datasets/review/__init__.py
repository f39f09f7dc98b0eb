"""Review: looking through versions, marking and sampling rows, counting and comparing."""
