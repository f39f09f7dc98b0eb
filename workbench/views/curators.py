"""Who is curating: a name that the person gives, with a few letters of their visit, so that two of one name differ."""

from __future__ import annotations

import streamlit as st

from workbench.core.library.choices import choice
from workbench.core.library.curation import Item
from workbench.views.engine import database
from workbench.views.visits import this_visit

MAX_NAME = 40
NEEDED = "approvals"
"""The choice that says how many approvals an example needs."""


def curator() -> str:
    """The present curator, as votes and the audit trail name them."""
    visit = this_visit()
    name = " ".join(str(visit.draft.get("curator") or "").split())[:MAX_NAME]
    return f"{name or 'curator'} · {visit.visitor[:4]}"


def who() -> None:
    """A field for the curator's name."""
    visit = this_visit()
    name = st.text_input("Your name", visit.draft.get("curator") or "", key="curator_name", max_chars=MAX_NAME)
    if name != (visit.draft.get("curator") or ""):
        visit.draft["curator"] = name
        visit.save()


def needed() -> int:
    """How many approvals an example needs, as chosen for everybody."""
    chosen = choice(database(), NEEDED)
    return chosen if isinstance(chosen, int) and 1 <= chosen <= 9 else 1


def seen_version(item: Item) -> int:
    """The version of an example that this person has before them: the one it had when they opened it.

    Whatever redraws the page in between must not make them decide on something that they have not looked at.
    """
    seen = st.session_state.setdefault("seen_versions", {})
    if seen.get("id") != item.id:
        seen.clear()
        seen.update(id=item.id, version=item.version)
    return int(seen["version"])


def look_again() -> None:
    """The person has been told of a change: what they see from now on is the example as it is."""
    st.session_state.pop("seen_versions", None)
