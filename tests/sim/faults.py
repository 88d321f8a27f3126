"""What goes wrong in a history, from its seed."""
from __future__ import annotations


def loose(fleet: object) -> None:
    pass
