"""A table of columns as bytes: numbers as they are, texts as numbers of the list of those that there are."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_VERSION = 1


def packed(frame: pd.DataFrame) -> bytes:
    """A frame of whole numbers (64 bits), floats and texts, with an index of whole numbers."""
    import numpy as np

    kinds = {str(name): dtype.kind for name, dtype in frame.dtypes.items()}
    whole, floats = ([name for name, kind in kinds.items() if kind == wanted] for wanted in "if")
    texts = [name for name, kind in kinds.items() if kind not in "if"]
    parts: dict[str, Any] = {
        "index": frame.index.to_numpy("int64"), "whole": frame[whole].to_numpy("int64"),
        "floats": frame[floats].to_numpy("float64"),
    }  # fmt: skip
    head: dict[str, Any] = {"version": _VERSION, "columns": list(frame), "whole": whole, "floats": floats, "texts": {}}
    for at, name in enumerate(texts):
        codes, known = frame[name].astype(object).factorize()
        head["texts"][name] = [str(each) for each in known]
        parts[f"codes{at}"] = codes.astype("int32")
    parts["head"] = np.frombuffer(json.dumps(head).encode(), "uint8")
    file = io.BytesIO()
    np.savez(file, **parts)
    return zlib.compress(file.getvalue(), 1)


def unpacked(data: bytes) -> pd.DataFrame | None:
    """What ``packed`` made; None where it was made by another version, or is something else."""
    import numpy as np

    try:
        with np.load(io.BytesIO(zlib.decompress(data)), allow_pickle=False) as parts:
            head = json.loads(parts["head"].tobytes())
            return _frame(head, parts) if head["version"] == _VERSION else None
    except (zlib.error, zipfile.BadZipFile, OSError, EOFError, ValueError, KeyError, IndexError, TypeError):
        return None


def _frame(head: Mapping[str, Any], parts: Mapping[str, Any]) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {}
    for kind in ("whole", "floats"):
        names: Sequence[str] = head[kind]
        columns |= dict(zip(names, parts[kind].T, strict=True))
    for at, (name, known) in enumerate(head["texts"].items()):
        texts = np.array([*known, ""], dtype=object)[:-1]
        columns[name] = pd.array(texts[parts[f"codes{at}"]], dtype=object)
    index = pd.Index(parts["index"], name="position")
    return pd.DataFrame({name: columns[name] for name in head["columns"]}, index=index)
