"""Serving models on one's own machine: an HTTP API as OpenAI's, with answers held to a schema by a grammar.

``offers`` says which models under which names, ``asked`` reads what a client wants, ``engine`` writes the answer,
``grammar`` holds it to a schema, ``app`` is the HTTP side, ``server`` runs it until it is stopped, and ``process``
runs all that beside the workbench.
"""
