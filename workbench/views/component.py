"""Building Streamlit components out of the HTML, CSS and JavaScript files that lie beside a view."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

VIEWS = Path(__file__).parent


def component(name: str, *scripts: str) -> Any:
    """A component made of ``NAME/NAME.html``, ``NAME/NAME.css`` and the scripts of that folder, joined in order.

    Styles are not isolated: plotly's own are missing in a shadow root. So every rule begins with the component's class.
    """
    folder = VIEWS / name
    read = {kind: (folder / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "css")}
    code = "\n".join((folder / script).read_text(encoding="utf-8") for script in (*scripts, f"{name}.js"))
    return st.components.v2.component(f"workbench_{name}", js=code, isolate_styles=False, **read)
