"""From a draft to a `Configuration`: every value made fit, every gap filled.

Rule 1: a value that does not fit becomes a problem, and the default stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from memsync_git.config.configuration import Address, Configuration, Origin
from memsync_git.config.draft import Draft, Problem, name_of
from memsync_git.config.kinds import Unfit, shown
from memsync_git.config.settings import LISTS, SECTIONS, Setting, hostname, settings_of
from memsync_git.errors import Misused
from memsync_git.values import dataclass, field


@dataclass(slots=True)
class Fitting:
    """A draft on its way. `where` names the file; `memory_file` is the default of the first store."""

    draft: Draft
    where: str
    memory_file: str
    origins: dict[str, Origin] = field(default_factory=dict)

    def configuration(self) -> Configuration:
        """The draft as a configuration; problems are added to the draft."""
        built: dict[str, Any] = {}
        for section in SECTIONS:
            if section != "remotes":
                self.draft.first(section)
            rows = [self._section(section, at) for at in range(len(self.draft.tables[section]))]
            built[section] = tuple(rows) if section in LISTS else rows[0]
        configuration = Configuration(**built, origins=self.origins)
        self.draft.problems += _contradictions(configuration, self.where)
        return configuration

    def _section(self, section: str, at: int) -> Any:
        given = self.draft.tables[section][at]
        row = name_of(section, given) if section in LISTS else ""
        values: dict[str, object] = {}
        for setting in settings_of(section).values():
            address = Address(section, row, setting.key)
            if setting.key in given:
                values[setting.key] = self._fitted(setting, address.dotted, *given[setting.key])
            else:
                values[setting.key] = self._default(setting, address, at)
        return SECTIONS[section](**values)

    def _fitted(self, setting: Setting, dotted: str, value: object, origin: Origin) -> object:
        self.origins[dotted] = origin
        where = origin.where or origin.source
        if type(value) is type(setting.default) and value == setting.default:
            return value  # and nothing is imported to check it
        try:
            return setting.kind.fit(value)
        except Unfit as error:
            hint = f"memsync-git config explain {dotted}"
            self.draft.problems.append(Problem(where, dotted, f"{dotted} {error}", hint))
        except Misused as error:
            self.draft.problems.append(Problem(where, dotted, f"{dotted}: {error.message}", error.hint))
        return setting.default

    def _default(self, setting: Setting, address: Address, at: int) -> object:
        """The default of a key; a remote's address and a second table's name and file have none."""
        match address.section, address.key:
            case "replica", "host":
                return hostname()
            case "stores", "file" if at == 0:
                return self.memory_file
            case ("remotes", "url") | ("stores", "file"):
                self._miss(address, at)
            case (("remotes" | "stores"), "name") if at > 0:
                self._miss(address, at)
        return setting.default

    def _miss(self, address: Address, at: int) -> None:
        reason = f"table {at + 1} of [[{address.section}]] has no {address.key}"
        self.draft.problems.append(Problem(self.where, f"{address.section}.{address.key}", reason))


def _contradictions(configuration: Configuration, where: str) -> Iterator[Problem]:
    """What is wrong only together."""
    for section, key in (("remotes", "name"), ("stores", "name"), ("stores", "file")):
        seen: set[object] = set()
        for row in getattr(configuration, section):
            value = getattr(row, key)
            if value in seen:
                reason = f"two [[{section}]] have the {key} {shown(value)}"
                yield Problem(where, f"{section}.{key}", reason)
            seen.add(value)
    if configuration.sync.max_delay_s < configuration.sync.debounce_s:
        reason = "sync.max_delay_s is below sync.debounce_s, so no change would ever wait"
        yield Problem(where, "sync.max_delay_s", reason)
