"""Modules that are loaded when something of them is first used.

What we use loads more than we use: of `logging`, what prints tracebacks; of `orjson`, by way of
`dataclasses`, what reads Python sources; of `pathlib`, what knows internet addresses. Together that is a
twelfth of a short command.

Rule 1: only modules that others import whole and use in cases that are rare (docs/decisions, 80).
Rule 2: whoever asks one for something cannot tell, in whatever thread.
"""

from __future__ import annotations

import sys
from _thread import RLock
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any

SELDOM_USED = ("inspect", "ipaddress", "traceback")

_LOADING = RLock()


class _Late(ModuleType):
    """A module that is still to be loaded, or being loaded."""

    def __getattr__(self, name: str) -> Any:
        with _LOADING:
            if vars(self).pop("__is_late__", False):
                self.__spec__.loader.exec_module(self)  # type: ignore[union-attr]
                self.__class__ = ModuleType  # type: ignore[assignment]
        return ModuleType.__getattribute__(self, name)


def load_late(*names: str) -> None:
    """Load these modules when somebody uses them, unless they are loaded already."""
    for name in names:
        spec = find_spec(name) if name not in sys.modules else None
        if spec is not None:
            module = module_from_spec(spec)
            module.__class__ = _Late
            vars(module)["__is_late__"] = True
            sys.modules[name] = module
