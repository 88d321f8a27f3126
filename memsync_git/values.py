"""`dataclass`, `field` and `replace` as the standard library has them, but cheap to define and to load: every
command defines two hundred values.

Rule 1: whoever uses it cannot tell the difference; type checkers see those of the standard library.
Rule 2: only the constructor is compiled for each class, once a few values were made. Comparing, hashing,
printing and refusing changes are the same for all: compiling them took a fifth of a whole sync
(docs/decisions, 7).
Rule 3: `dataclasses` is loaded when it is asked about a value of ours. It brings half of what reads Python
sources with it, a tenth of `status` (docs/decisions, 71).
Rule 4: for anything but `frozen=True, slots=True` and `slots=True` use the standard library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal, TypeVar

__all__ = ["Part", "dataclass", "field", "parts_of", "replace", "said_by"]

_UNGIVEN = object()
"""Stands for a part that is made anew for each value it is not given for, and for a default that is none."""


class Part:
    """One part of a class of values: its name, what it is where it is not given, and whether it counts."""

    __slots__ = ("compare", "default", "default_factory", "metadata", "name", "repr")

    def __init__(
        self,
        *,
        default: object = _UNGIVEN,
        default_factory: Callable[[], object] | None = None,
        repr: bool = True,  # noqa: A002  as the standard library has it
        compare: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = ""
        self.default, self.default_factory = default, default_factory
        self.repr, self.compare, self.metadata = repr, compare, metadata or {}

    @property
    def is_required(self) -> bool:
        """Whether a value must be given."""
        return self.default is _UNGIVEN and self.default_factory is None

    def default_value(self) -> object:
        """What it is where it is not given."""
        return self.default if self.default_factory is None else self.default_factory()


Value = TypeVar("Value")

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:
    field = Part

    def dataclass(*, slots: Literal[True], frozen: bool = False) -> Callable[[type], type]:
        """Make a class a value, or a thing with parts that change; see `dataclasses.dataclass`."""
        assert slots, "it has its parts and nothing else"
        return _frozen if frozen else _changing

    def replace(value: Value, /, **changes: object) -> Value:
        """The same value but for some parts; see `dataclasses.replace`."""
        return type(value)(**(said_by(value) | changes))


def parts_of(made: type) -> Sequence[Part]:
    """The parts of a class of values, in their order."""
    parts: Sequence[Part] = made.__parts__  # type: ignore[attr-defined]
    return parts


def said_by(value: object) -> dict[str, Any]:
    """The parts of a value by name; what is a value itself stays one."""
    return {name: getattr(value, name) for name in type(value).__match_args__}  # type: ignore[attr-defined]


# --- making a class


Putting = Callable[[int, str, str], str]
"""How a part gets its value: its place among the parts, its name, and an expression → a statement."""


def _frozen(plain: type) -> type:
    return _made(plain, lambda at, _name, value: f"set{at}(self, {value})", _SHARED | _UNCHANGING)


def _changing(plain: type) -> type:
    return _made(plain, lambda _at, name, value: f"self.{name} = {value}", _SHARED | {"__hash__": None})


def _made(plain: type, put: Putting, shared: dict[str, Any]) -> type:
    parts = [_part(plain, name) for name in plain.__annotations__]
    names = tuple(part.name for part in parts)
    methods = _comparing([part.name for part in parts if part.compare]) | shared
    own = {name: said for name, said in plain.__dict__.items() if name not in {*names, *_OF_A_PLAIN_CLASS}}
    known = {"__slots__": names, "__match_args__": names, "__parts__": parts, "__dataclass_fields__": _FIELDS}
    made = type(plain)(plain.__name__, plain.__bases__, {**methods, **own, **known})
    made.__qualname__ = plain.__qualname__
    made.__init__ = _unmade(made, parts, put)  # type: ignore[misc]
    return made


_OF_A_PLAIN_CLASS = ("__dict__", "__weakref__")


def _part(plain: type, name: str) -> Part:
    """A part as it was declared."""
    given = plain.__dict__.get(name, _UNGIVEN)
    part = given if isinstance(given, Part) else Part(default=given)
    part.name = name
    return part


def _unmade(made: type, parts: Sequence[Part], put: Putting) -> Callable[..., None]:
    """`__init__` of the first few values: most commands make none or one of most classes."""
    few = iter(range(FEW_MADE))

    def constructor(self: object, *given: object, **named: object) -> None:
        if next(few, None) is None or not _filled(self, parts, given, named):
            found = made.__init__ = _constructor(made, parts, put)  # type: ignore[misc]
            found(self, *given, **named)

    constructor.__qualname__ = f"{made.__qualname__}.__init__"
    return constructor


FEW_MADE = 16
"""Compiling a constructor takes as long as making forty values without."""


def _filled(self: object, parts: Sequence[Part], given: Sequence[object], named: dict[str, object]) -> bool:
    """Set each slot; False where what is given does not fit: a compiled constructor says what is wrong."""
    values = [*given, *(named.get(part.name, _UNGIVEN) for part in parts[len(given) :])]
    late = [part for part in parts[len(given) :] if part.name not in named]
    if len(values) > len(parts) or len(given) + len(named) + len(late) != len(parts):
        return False
    if any(part.is_required for part in late):
        return False
    for part, value in zip(parts, values, strict=True):
        getattr(type(self), part.name).__set__(self, part.default_value() if value is _UNGIVEN else value)
    return True


def _constructor(made: type, parts: Iterable[Part], put: Putting) -> Callable[..., None]:
    """`__init__`, setting each slot."""
    known: dict[str, Any] = {"ungiven": _UNGIVEN}
    parameters: list[str] = []
    steps: list[str] = []
    for at, part in enumerate(parts):
        known |= {f"set{at}": getattr(made, part.name).__set__, f"default{at}": part.default}
        value, default = part.name, "" if part.is_required else f"=default{at}"
        if part.default_factory is not None:
            known[f"make{at}"] = part.default_factory
            value = f"make{at}() if {part.name} is ungiven else {part.name}"
        parameters.append(f", {part.name}{default}")
        steps.append(f" {put(at, part.name, value)}\n")
    exec(f"def __init__(self{''.join(parameters)}):\n{''.join(steps) or ' pass'}", known)  # noqa: S102
    constructor: Callable[..., None] = known["__init__"]
    constructor.__qualname__ = f"{made.__qualname__}.__init__"
    return constructor


class _Fields:
    """What `dataclasses` asks of a class; it is made when that first does."""

    def __get__(self, _value: object, made: type) -> Any:
        import dataclasses

        fields = [(part.name, made.__annotations__[part.name], _field(part)) for part in parts_of(made)]
        found = dataclasses.fields(dataclasses.make_dataclass(made.__name__, fields))
        made.__dataclass_fields__ = {each.name: each for each in found}  # type: ignore[attr-defined]
        return made.__dataclass_fields__  # type: ignore[attr-defined]


_FIELDS = _Fields()


def _field(part: Part) -> Any:
    """A part as the standard library has it."""
    import dataclasses

    given: dict[str, Any] = {} if part.is_required else {"default": part.default}
    if part.default_factory is not None:
        given = {"default_factory": part.default_factory}
    return dataclasses.field(repr=part.repr, compare=part.compare, metadata=part.metadata, **given)


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
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_to_delete(_self: object, name: str) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _shown(self: Any) -> str:
    parts = (f"{part.name}={getattr(self, part.name)!r}" for part in parts_of(type(self)) if part.repr)
    return f"{type(self).__qualname__}({', '.join(parts)})"


def _reduced(self: Any) -> tuple[Any, ...]:
    """For copying and pickling: a value is made from its parts."""
    return type(self), tuple(said_by(self).values())


_SHARED: dict[str, Any] = {"__repr__": _shown, "__reduce__": _reduced}
_UNCHANGING: dict[str, Any] = {"__setattr__": _refuse_to_set, "__delattr__": _refuse_to_delete}
