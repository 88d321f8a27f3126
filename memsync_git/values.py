"""`dataclass` as the standard library has it, but cheap to define: every command defines a hundred values.

Rule 1: whoever uses it cannot tell the difference; type checkers see the one of the standard library.
Rule 2: only the constructor is compiled for each class, when the first value is made. Comparing, hashing,
printing and refusing changes are the same for all: compiling them took a fifth of a whole sync
(docs/decisions, 7).
Rule 3: for anything but `frozen=True, slots=True` use the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: Literal[True], slots: Literal[True]) -> Callable[[type], type]:
        """Make a class a value; see `dataclasses.dataclass`."""
        assert frozen, "a value does not change"
        assert slots, "a value has its parts and nothing else"
        return _made


def _made(plain: type) -> type:
    plain.__doc__ = plain.__doc__ or plain.__name__  # else its signature is looked for, which is dear
    made: type = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(plain)
    parts = dataclasses.fields(made)
    methods = _SHARED | _comparing([part.name for part in parts if part.compare])
    for name, method in methods.items():
        if name not in plain.__dict__:
            setattr(made, name, method)
    made.__init__ = _unmade(made, parts)  # type: ignore[misc]
    return made


def _unmade(made: type, parts: Sequence[dataclasses.Field[Any]]) -> Callable[..., None]:
    """`__init__` until it is first called: most commands make no value of most classes."""

    def constructor(self: object, *given: object, **named: object) -> None:
        found = made.__init__ = _constructor(made, parts)  # type: ignore[misc]
        found(self, *given, **named)

    constructor.__qualname__ = f"{made.__qualname__}.__init__"
    return constructor


_UNGIVEN = object()
"""Stands for a part that is made anew for each value it is not given for."""


def _constructor(made: type, parts: Iterable[dataclasses.Field[Any]]) -> Callable[..., None]:
    """`__init__`, setting each slot directly."""
    known: dict[str, Any] = {"ungiven": _UNGIVEN}
    parameters: list[str] = []
    steps: list[str] = []
    for at, part in enumerate(parts):
        known |= {f"set{at}": getattr(made, part.name).__set__, f"default{at}": part.default}
        value, default = part.name, f"=default{at}"
        if part.default_factory is not dataclasses.MISSING:
            known[f"make{at}"] = part.default_factory
            value, default = f"make{at}() if {part.name} is ungiven else {part.name}", "=ungiven"
        elif part.default is dataclasses.MISSING:
            default = ""
        parameters.append(f", {part.name}{default}")
        steps.append(f" set{at}(self, {value})\n")
    exec(f"def __init__(self{''.join(parameters)}):\n{''.join(steps) or ' pass'}", known)  # noqa: S102
    constructor: Callable[..., None] = known["__init__"]
    constructor.__qualname__ = f"{made.__qualname__}.__init__"
    return constructor


# --- the same for all


def _comparing(names: list[str]) -> dict[str, Callable[..., Any]]:
    """How values of one class are compared, by the parts that count."""
    parts = attrgetter(*names) if names else bool  # nothing to tell two of them apart

    def is_equal(self: object, other: object) -> Any:
        if other.__class__ is not self.__class__:
            return NotImplemented
        return self is other or parts(self) == parts(other)

    def hashed(self: object) -> int:
        return hash(parts(self))

    return {"__eq__": is_equal, "__hash__": hashed}


def _refuse_to_set(_self: object, name: str, _value: object) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _shown(self: Any) -> str:
    parts = (f"{part.name}={getattr(self, part.name)!r}" for part in dataclasses.fields(self) if part.repr)
    return f"{type(self).__qualname__}({', '.join(parts)})"


def _reduced(self: Any) -> tuple[Any, ...]:
    """For copying and pickling: a value is made from its parts."""
    return type(self), tuple(getattr(self, part.name) for part in dataclasses.fields(self))


_SHARED: dict[str, Callable[..., Any]] = {
    "__setattr__": _refuse_to_set,
    "__delattr__": _refuse_to_delete,
    "__repr__": _shown,
    "__reduce__": _reduced,
}
