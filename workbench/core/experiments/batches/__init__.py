"""Batches: the first questions of many cells, answered by a hosted service in its own time for half the price.

``hosted`` talks to the service, ``lines`` writes its files and reads what comes back, ``kept`` writes down what is
asked before it is asked. ``gathering`` puts questions together, ``carrying`` has one bundle answered, and ``bundles``
takes the cells of a run through all that.
"""
