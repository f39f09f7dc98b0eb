"""Plan a form, compose by rule, realize a structure to notes, perform notes."""
