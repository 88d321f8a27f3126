"""The configuration as a value, and the dotted keys by which it is asked.

Rule 1: a value knows who set it: an option, the environment, the file, or nobody.
Rule 2: `stores.KEY` and `remotes.KEY` mean the first of their list, `stores.NAME.KEY` a named one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

from memsync_git.config.settings import (
    LISTS,
    SECTIONS,
    GuardSettings,
    LogSettings,
    RemoteSettings,
    ReplicaSettings,
    Section,
    StoreSettings,
    SyncSettings,
    settings_of,
)
from memsync_git.errors import Misused
from memsync_git.values import dataclass, field

Source = Literal["option", "environment", "file", "default"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Who set a value, and where: a file, a variable, or nothing for options and defaults."""

    source: Source
    where: str = ""


UNSET: Final = Origin("default")


@dataclass(frozen=True, slots=True)
class Explanation:
    """One key: its value, who set it, and what it is for."""

    key: str
    value: object
    origin: Origin
    meaning: str


@dataclass(frozen=True, slots=True)
class Address:
    """A key of one section; `row` names one of several tables, "" the first of them."""

    section: str
    row: str
    key: str

    @property
    def dotted(self) -> str:
        return ".".join(part for part in (self.section, self.row, self.key) if part)


@dataclass(frozen=True, slots=True)
class Configuration:
    """Everything a person can set, complete: what is not set has its default."""

    replica: ReplicaSettings = field(default_factory=ReplicaSettings)
    remotes: tuple[RemoteSettings, ...] = ()
    sync: SyncSettings = field(default_factory=SyncSettings)
    guards: GuardSettings = field(default_factory=GuardSettings)
    stores: tuple[StoreSettings, ...] = field(default_factory=lambda: (StoreSettings(),))
    log: LogSettings = field(default_factory=LogSettings)
    origins: Mapping[str, Origin] = field(default_factory=dict, compare=False, repr=False)

    def get(self, key: str) -> object:
        """The value of a dotted key.

        Raises:
            Misused: there is no such key, or no such remote or store.
        """
        address = find(key)
        value: object = getattr(self._section(address), address.key)
        return value

    def explain(self, key: str) -> Explanation:
        """The value of a dotted key and who set it; raises `Misused` like `get`."""
        address = find(key)
        section = self._section(address)
        row = getattr(section, "name", "")
        exact = Address(address.section, row, address.key).dotted
        return Explanation(
            key=exact,
            value=getattr(section, address.key),
            origin=self.origins.get(exact, UNSET),
            meaning=settings_of(address.section)[address.key].meaning,
        )

    def all_keys(self) -> list[str]:
        """Every dotted key there is now, in the order of the file."""
        return [
            Address(name, getattr(section, "name", ""), key).dotted
            for name in SECTIONS
            for section in self._rows(name)
            for key in settings_of(name)
        ]

    def _rows(self, section: str) -> tuple[Section, ...]:
        found = getattr(self, section)
        return found if isinstance(found, tuple) else (found,)

    def _section(self, address: Address) -> Section:
        rows = self._rows(address.section)
        for row in rows:
            if not address.row or getattr(row, "name", "") == address.row:
                return row
        known = [getattr(row, "name", "") for row in rows]
        wanted = f"{address.section.removesuffix('s')} {address.row}".strip()
        raise Misused(
            f"No {wanted} is configured",
            hint=_nearest_hint(address.row, known) or "memsync-git config explain  lists every key",
        )


def find(key: str) -> Address:
    """Take a dotted key apart.

    Raises:
        Misused: no setting is called so.
    """
    section, _, rest = key.partition(".")
    row, _, name = rest.rpartition(".") if section in LISTS else ("", "", rest)
    if section in SECTIONS and name in settings_of(section):
        return Address(section, row, name)
    raise Misused(
        f"There is no setting {key!r}",
        hint=_nearest_hint(key, all_keys()) or "memsync-git config explain  lists every key",
    )


def all_keys() -> list[str]:
    """Every dotted key without the names of tables."""
    return [f"{section}.{key}" for section in SECTIONS for key in settings_of(section)]


def nearest(word: str, known: Iterable[str]) -> str:
    """The known spelling a word comes closest to, or ""."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(word, list(known), n=1, cutoff=0.5)), "")


def _nearest_hint(word: str, known: Iterable[str]) -> str:
    found = nearest(word, known)
    return f"The nearest is {found}" if found else ""
