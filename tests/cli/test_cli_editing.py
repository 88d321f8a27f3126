"""A conflict in the editor: whatever a value holds, what was left is what was meant."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.cli.editing import chosen, offered
from memsync_git.errors import Misused
from memsync_git.formats.canonical import canonical


def conflict(field: str, *values: str | None) -> Any:
    parts = [
        {
            "value": value,
            "id": f"m{at}-0001",
            "host": f"m{at}",
            "at": None,
            "mine": at == 0,
            "winner": at == 1,
        }
        for at, value in enumerate(values)
    ]
    return {"store": "default", "kind": "written", "name": "Ann", "field": field, "values": parts}


def left(text: str, place: int) -> str:
    """The text after a person deleted the line of every value but one."""
    lines = text.split("\n")
    values = [line for line in lines if not line.startswith("#")]
    return "\n".join(line for line in lines if line.startswith("#") or line == values[place])


@given(st.lists(st.text(), min_size=2, max_size=3, unique=True), st.data())
def test_the_type_that_was_left_is_taken_whatever_it_holds(values: list[str], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    assert chosen(left(offered(conflict("type", *values)), place), "type") == values[place]


@given(st.lists(st.text(), min_size=2, max_size=3, unique=True), st.data())
def test_the_field_that_was_left_is_taken_as_the_json_it_is(values: list[str], data: st.DataObject) -> None:
    texts = [canonical(value) for value in values]
    place = data.draw(st.integers(0, len(values) - 1))
    assert chosen(left(offered(conflict("tags", *texts)), place), "tags") == texts[place]


@given(st.text())
def test_no_value_reaches_the_editor_raw(value: str) -> None:
    lines = offered(conflict("type", value, "person")).split("\n")
    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)


def test_who_wrote_what_stands_above_it() -> None:
    assert offered(conflict("type", "singer", None)).split("\n") == [
        "# Ann: type",
        "# Leave the one line that is to hold, changed or not. Lines with # are dropped.",
        "# this machine, never",
        "singer",
        "# m1, never, shown now",
        "# (none)",
    ]


@pytest.mark.parametrize("text", [None, "", "# all gone\n", "one\ntwo"])
def test_not_one_value_is_refused(text: str | None) -> None:
    with pytest.raises(Misused) as caught:
        chosen(text, "type")
    assert caught.value.unharmed == "Nothing was changed."
