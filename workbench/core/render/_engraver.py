"""The engraver's own process: reads MusicXML on standard input, writes SVG pages on standard output.

A message is its length (4 bytes, big-endian) and so many bytes: MusicXML comes in, ``{"pages": [...]}`` or
``{"error": "..."}`` goes out. Started by ``engraving.py`` as a plain file, so that it imports nothing but verovio.
"""

from __future__ import annotations

import json
import os
import struct
import sys
from typing import Any

OPTIONS: dict[str, Any] = {
    "pageWidth": 2100,
    "pageHeight": 2970,
    "pageMarginLeft": 90,
    "pageMarginRight": 90,
    "pageMarginTop": 90,
    "pageMarginBottom": 90,
    "scale": 42,
    "adjustPageHeight": True,
    "breaks": "auto",
    "header": "auto",
    "footer": "none",
    "svgViewBox": True,
    "svgRemoveXlink": True,
    "lyricSize": 4.0,
    "lyricTopMinMargin": 3.0,
    "spacingStaff": 9,
    "spacingSystem": 8,
    "mnumInterval": 0,
    "xmlIdSeed": 1,
}


def serve() -> None:
    """Engrave until the input ends."""
    inward = sys.stdin.buffer
    # Whatever the library prints must not get between the messages.
    outward = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    toolkit = None
    while len(head := inward.read(4)) == 4:
        data = inward.read(struct.unpack(">I", head)[0])
        try:
            if toolkit is None:
                import verovio

                verovio.enableLog(verovio.LOG_OFF)
                toolkit = verovio.toolkit()
            toolkit.resetOptions()
            toolkit.setOptions(OPTIONS)
            if not toolkit.loadData(data.decode()):
                raise ValueError("verovio cannot read it")
            answer: dict[str, Any] = {
                "pages": [toolkit.renderToSVG(page) for page in range(1, toolkit.getPageCount() + 1)]
            }
        except Exception as problem:  # anything at all: the caller gets to know, the process stays
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        body = json.dumps(answer).encode()
        outward.write(struct.pack(">I", len(body)) + body)
        outward.flush()


if __name__ == "__main__":
    serve()
