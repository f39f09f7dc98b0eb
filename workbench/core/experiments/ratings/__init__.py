"""Blind ratings: which pair to hear next, what raters said, how strong each variant is, and how far raters agree.

``pairs`` chooses and hides, ``ratings`` reads and unblinds, ``ranking`` and ``agreement`` count, ``preferences`` makes
pairs for a dataset, ``loudness`` lets both sounds play equally loud.

``contests`` keeps comparisons, ``judging`` what raters say in them, ``kept_preferences`` pairs for datasets;
``standings`` says what came out, ``sounds`` makes what raters hear.
"""
