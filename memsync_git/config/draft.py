"""What was said about the configuration so far, layer over layer, and what is wrong with it.

Rule 1: a later word on a key replaces an earlier one.
Rule 2: all problems are kept, not only the first.
"""

from __future__ import annotations

from memsync_git.config.configuration import Address, Origin
from memsync_git.config.settings import SECTIONS, settings_of
from memsync_git.values import dataclass, field

Given = dict[str, tuple[object, Origin]]
"""What was said about the keys of one table, the last word on each."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong: where (a file or a variable), which key ("" for none), a sentence, a way out."""

    where: str
    key: str
    reason: str
    hint: str = ""


@dataclass(slots=True)
class Draft:
    """Tables by section, and the problems met while they were filled."""

    tables: dict[str, list[Given]] = field(default_factory=lambda: {name: [] for name in SECTIONS})
    problems: list[Problem] = field(default_factory=list)

    def first(self, section: str) -> Given:
        """The first table of a section, made where there is none."""
        if not self.tables[section]:
            self.tables[section].append({})
        return self.tables[section][0]

    def say(self, address: Address, value: object, origin: Origin) -> None:
        """Set one key; a table that does not exist is a problem."""
        row = self._row(address)
        if row is None:
            reason = f"no {address.section.removesuffix('s')} is called {address.row}"
            self.problems.append(Problem(origin.where or origin.source, address.dotted, reason))
        else:
            row[address.key] = (value, origin)

    def _row(self, address: Address) -> Given | None:
        if not address.row:
            return self.first(address.section)
        rows = self.tables[address.section]
        return next((row for row in rows if name_of(address.section, row) == address.row), None)


def name_of(section: str, given: Given) -> str:
    """The name of one table of a list."""
    value = given["name"][0] if "name" in given else settings_of(section)["name"].default
    return value if isinstance(value, str) else ""
