"""The registry of providers: a new one is a file with a decorated function, and no list elsewhere changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

from workbench.core.errors import InvalidInputError
from workbench.core.generate.providers.calls import Provider
from workbench.core.settings import Settings

Make = Callable[[Settings], Provider]


@dataclass(frozen=True)
class Entry:
    """A registered provider: its name, what it is in a sentence, and how it is made."""

    name: str
    meaning: str
    make: Make


_entries: dict[str, Entry] = {}


def provider(name: str) -> Callable[[Make], Make]:
    """Register the decorated function as the maker of a provider; its docstring says what the provider is."""

    def keep(make: Make) -> Make:
        _entries[name] = Entry(name, " ".join((make.__doc__ or "").split()), make)
        return make

    return keep


def all_providers() -> tuple[Entry, ...]:
    """Every provider, by name."""
    package: ModuleType = import_module("workbench.core.generate.providers")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return tuple(sorted(_entries.values(), key=lambda entry: entry.name))


def find_provider(name: str) -> Entry:
    """The provider of a name.

    Raises:
        InvalidInputError: there is none.
    """
    known = {entry.name: entry for entry in all_providers()}
    if name not in known:
        raise InvalidInputError(
            f"{name[:60]!r} is not a provider.", hint=f"Choose {' or '.join(known)}.", field="provider"
        )
    return known[name]


class Providers:
    """The providers of one event loop, each made when it is first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._made: dict[str, Provider] = {}

    def get(self, name: str) -> Provider:
        """A provider by its name.

        Raises:
            InvalidInputError: there is none.
        """
        if name not in self._made:
            self._made[name] = find_provider(name).make(self._settings)
        return self._made[name]

    def put(self, provider: Provider) -> None:
        """Use a provider that was made elsewhere, such as one that answers from a trace."""
        self._made[provider.name] = provider

    async def close(self) -> None:
        """Let go of all connections."""
        for made in self._made.values():
            await made.close()
        self._made.clear()
