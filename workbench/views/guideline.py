"""What a good example is, in words beside the queue."""

from __future__ import annotations

import streamlit as st

TEXT = """
### What to approve

An example is shown to models as what a good answer looks like. Approve what you would be proud of.

1. **It is right.** No errors in the findings. A warning is approved only where you can say why the music wants it.
2. **It is music.** Sing the tune. It has one idea that comes back and changes, a high point about two thirds through,
   and closes that close. Listen to the bass alone once.
3. **It is whole.** Every phrase has its tune written out. Returns come back a little varied. The harmony moves towards
   its cadences.
4. **It fits its request.** Form, period and mood are what the request says; the sentence on what it teaches is true.
5. **It is ours to use.** All three layers of the rights are filled in: who holds the work, the encoding, the
   annotation, on what ground, and how one knows. When in doubt, do not approve: a doubt is a no.

### How to vote

- *Reject* what would not become good by mending. *Ask for changes* says what, in the note.
- First votes are blind: you see the others' votes after your own. Vote before you talk about it.
- A changed piece starts a new round: look at it afresh.
"""


def guideline() -> None:
    """The guideline."""
    st.markdown(TEXT)
