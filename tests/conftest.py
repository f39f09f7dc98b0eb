"""What every test stands on: nothing leaves this machine, and property tests are the same everywhere."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

DATA = Path(__file__).parent / "data"

# Whoever runs the tests has a workbench of their own: nothing of it is read or written here.
for _name in [name for name in os.environ if name.startswith(("WORKBENCH_", "OPENAI_"))]:
    del os.environ[_name]
_own = tempfile.TemporaryDirectory(prefix="workbench-tests-", ignore_cleanup_errors=True)
os.environ["WORKBENCH_DATA_DIR"] = _own.name

settings.register_profile(
    "workbench", deadline=None, max_examples=80, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("workbench")


class NetworkForbiddenError(RuntimeError):
    """A test tried to reach another machine."""


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):
        return True  # a Unix socket's path
    host = str(address[0])
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _guarded(name: str) -> Any:
    real = getattr(socket.socket, name)

    def call(self: socket.socket, address: Any) -> Any:
        if self.family != getattr(socket, "AF_UNIX", None) and not _is_here(address):
            raise NetworkForbiddenError(f"A test tried to reach {address!r}: use a server on this machine.")
        return real(self, address)

    return call


for _name in ("connect", "connect_ex"):
    setattr(socket.socket, _name, _guarded(_name))


@pytest.fixture(scope="session")
def airia_files() -> list[Path]:
    """The sample pieces of AIRIA's rule-based composer: a request and a structure each."""
    return sorted((DATA / "airia").glob("*.json"))


LONG = {
    "test_learning.py", "test_killed_trainings.py", "test_local_trainer.py", "test_scenario.py",
    "test_trainers_take_the_files.py",
}  # fmt: skip
"""Files whose tests take a minute and more: begun first, so that nobody waits for the last of them."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long tests first; otherwise the order stays."""
    items.sort(key=lambda item: item.path.name not in LONG)
