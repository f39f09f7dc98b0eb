"""What the Datasets page draws: versions, rows, charts, audits, comparisons, recipes and files."""
