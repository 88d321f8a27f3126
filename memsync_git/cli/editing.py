"""A conflict as a text to be edited, and the value a person left in it. Pure.

Rule 1: one value stands on one line. A type that would not (line breaks, a # in front) is offered as a JSON
string, and read back as what it was; the value of a field is JSON already.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from memsync_git.cli.terminal import counted, safe
from memsync_git.documents import ConflictPart, ValuePart
from memsync_git.errors import Misused

HOW = "# Leave the one line that is to hold, changed or not. Lines with # are dropped."
UNHARMED = "Nothing was changed."
TYPE = "type"


def offered(conflict: ConflictPart) -> str:
    """The text to be edited: every value below whoever wrote it."""
    return "\n".join([f"# {safe(conflict['name'])}: {safe(conflict['field'])}", HOW, *_values(conflict)])


def _values(conflict: ConflictPart) -> Iterator[str]:
    for value in conflict["values"]:
        yield f"# {_whose(value)}"
        yield "# (none)" if value["value"] is None else _line(value["value"], conflict["field"])


def _whose(value: ValuePart) -> str:
    whose = "this machine" if value["mine"] else safe(value["host"])
    return f"{whose}, {value['at'] or 'never'}{', shown now' if value['winner'] else ''}"


def _line(value: str, field: str) -> str:
    is_plain = value.isprintable() and value == value.strip() and value[:1] not in ("", "#", '"')
    return value if is_plain or field != TYPE else json.dumps(value)


def chosen(text: str | None, field: str) -> str:
    """The value an edited text holds; None is a text that was not saved.

    Raises:
        Misused: nothing was chosen, or more than one value is left.
    """
    if text is None:
        raise Misused("Nothing was chosen in the editor", unharmed=UNHARMED)
    lines = [line for line in map(str.strip, text.split("\n")) if line and not line.startswith("#")]
    if len(lines) != 1:
        raise Misused(f"The editor left {counted(len(lines), 'value')}, but one is needed", unharmed=UNHARMED)
    return _read(lines[0]) if field == TYPE else lines[0]


def _read(line: str) -> str:
    try:
        found = json.loads(line) if line.startswith('"') else line
    except ValueError:
        return line
    return found if isinstance(found, str) else line
