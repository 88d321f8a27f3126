"""The README.md of a shared repository, written once: what somebody finds who opens it in a browser."""

README_PATH = "README.md"

README_TEXT = b"""\
# A shared memory

This repository keeps the memory of AI assistants in step across machines. It is written by
memsync-git; nobody needs to edit it by hand.

| file | what it is |
| --- | --- |
| `memory.json` | everything all machines know, one record a line, for reading and searching |
| `memory-<machine>.json` | what one machine contributed; only that machine writes it |
| `memory-<machine>/` | the same in several files, once it has become large |
| `stores/<name>/` | the same again for every further memory |
| `.memsync.json` | the format of this repository |
| `legacy/` | files of an older tool, kept as they were |

Edits made here to `memory.json` are overwritten by the next sync. Change a memory through the
assistant, or with `memsync-git` on any machine: the change travels from there.

## To join a machine

Give the machine access to this repository, install memsync-git on it and run

    memsync-git init ADDRESS-OF-THIS-REPOSITORY

It shows what joining would change before it changes anything.

## To look back

`git log main` tells in words what each exchange brought, and `memsync-git show NAME --history` what
became of one entity. Please do not rewrite the history of this repository, and keep it private: whoever
can read it can read the memory.
"""
