"""Building: from sources to rows, splits and a version, with every check on the way."""
