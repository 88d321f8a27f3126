"""Make the kernel answer chosen system calls with an error, for this process and for good (seccomp)."""

from __future__ import annotations

import ctypes
import platform

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER = 38, 22, 2
_LOAD_NUMBER, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06
_ALLOW, _ERRNO = 0x7FFF0000, 0x00050000

_COLUMN = {"x86_64": 0, "aarch64": 1}[platform.machine()]
_NUMBERS = {
    "renameat2": (316, 276),
    "rename": (82, 38),
    "linkat": (265, 37),
    "openat": (257, 56),
    "unlink": (87, 35),
    "fsync": (74, 82),
    "inotify_init": (253, 26),
    "inotify_init1": (294, 26),
    "inotify_add_watch": (254, 27),
}


class _Instruction(ctypes.Structure):
    _fields_ = [
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("value", ctypes.c_uint),
    ]


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.POINTER(_Instruction))]


def deny(calls: dict[str, int]) -> None:
    """From now on each named call fails with the errno given, unseen by everything above the kernel."""
    steps = [(_LOAD_NUMBER, 0, 0, 0)]
    for name, code in calls.items():
        steps += [(_JUMP_IF_EQUAL, 0, 1, _NUMBERS[name][_COLUMN]), (_RETURN, 0, 0, _ERRNO | code)]
    steps.append((_RETURN, 0, 0, _ALLOW))
    array = (_Instruction * len(steps))(*(_Instruction(*step) for step in steps))
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
    program = _Program(len(steps), array)
    assert libc.prctl(_PR_SET_SECCOMP, _FILTER, ctypes.byref(program)) == 0, ctypes.get_errno()
