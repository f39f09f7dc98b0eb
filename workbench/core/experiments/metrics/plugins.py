"""Metrics of one's own: a Python file, or a module that can be imported, whose functions are decorated as metrics."""

from __future__ import annotations

import sys
from hashlib import sha256
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from workbench.core.errors import InvalidInputError
from workbench.core.experiments.metrics.registry import all_or_none, forget, names_from

_HINT = "Decorate a function with metric or set_metric of workbench.core.experiments.metrics."


def load_metrics(path_or_module: str | Path) -> tuple[str, ...]:
    """Read a Python file (its name ends in ``.py``) or import a module; the names of the metrics that it registered.

    It is run as any Python is: load nothing that others have sent. Where it fails, no metric of it is kept; a file
    that is loaded again replaces its own.

    Raises:
        InvalidInputError: there is no such file or module, it fails, or it registers no metric.
    """
    wanted = str(path_or_module).strip()
    shown = wanted[-200:]
    is_file = isinstance(path_or_module, Path) or wanted.endswith(".py")
    try:
        with all_or_none() as new:
            origin = _run_file(Path(wanted)) if is_file else _run_module(wanted)
    except InvalidInputError:
        raise
    except (Exception, SystemExit) as problem:
        reason = f"{type(problem).__name__}: {problem}"[:300]
        raise InvalidInputError(f"{shown} cannot be loaded. {reason}.", hint=_HINT, field="metrics") from problem
    names = tuple(dict.fromkeys([*names_from(origin), *new]))
    if not names:
        raise InvalidInputError(f"{shown} registers no metric.", hint=_HINT, field="metrics")
    return names


def _run_file(path: Path) -> str:
    if not path.is_file():
        raise InvalidInputError(f"There is no file {str(path)[-200:]}.", hint="Check its path.", field="metrics")
    name = f"own_metrics_{sha256(str(path.resolve()).encode()).hexdigest()[:12]}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidInputError(f"{path.name} is no Python file.", hint="Its name ends in .py.", field="metrics")
    forget(name)
    module = module_from_spec(spec)
    before = sys.modules.get(name)
    sys.modules[name] = module  # so that what is defined there can be found by its name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        if before is not None:
            sys.modules[name] = before
        raise
    return name


def _run_module(name: str) -> str:
    if not all(part.isidentifier() for part in name.split(".")):
        raise InvalidInputError(
            f"{name[:200]!r} is neither a Python file nor a module.", hint="Write metrics.py or package.metrics.",
            field="metrics",
        )  # fmt: skip
    import_module(name)
    return name
