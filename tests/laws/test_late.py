"""A module that is loaded late is the module, for whoever uses it and in whatever thread."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from memsync_git.late import SELDOM_USED


def said(script: str, *, beside: Path | None = None) -> list[str]:
    """What a fresh interpreter says."""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False, cwd=beside
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("name", SELDOM_USED)
def test_it_says_all_that_it_says_when_it_is_loaded_at_once(name: str) -> None:
    tell = f"import {name}\ngetattr({name}, 'anything', None)\nprint(*sorted(dir({name})))"
    assert said(f"from memsync_git.late import load_late\nload_late({name!r})\n{tell}") == said(tell)


def test_what_uses_them_works() -> None:
    script = """
import sys
from memsync_git.late import SELDOM_USED, load_late
load_late(*SELDOM_USED)
import logging, dataclasses, urllib.parse, io
import orjson
print("ast" in sys.modules, "textwrap" in sys.modules)
said = io.StringIO()
logging.basicConfig(stream=said)
try:
    1 / 0
except ZeroDivisionError:
    logging.exception("so")
print("Traceback" in said.getvalue())
print(urllib.parse.urlsplit("http://[::1]:8/").hostname)
@dataclasses.dataclass
class Point:
    x: int
print(Point.__doc__)
from inspect import signature
print(signature(Point))
"""
    assert said(script) == ["False", "False", "True", "::1", "Point(x:", "int)", "(x:", "int)", "->", "None"]


def test_several_threads_that_use_one_at_once_find_it_whole(tmp_path: Path) -> None:
    (tmp_path / "slowly.py").write_text("import time\nbegun = 1\ntime.sleep(0.2)\nended = 2\n", "utf-8")
    script = """
import sys
from concurrent.futures import ThreadPoolExecutor
sys.path.insert(0, ".")
from memsync_git.late import load_late
load_late("slowly")
import slowly
with ThreadPoolExecutor(8) as pool:
    print(*pool.map(lambda at: slowly.ended + (slowly.begun if at % 2 else 1), range(8)))
"""
    assert said(script, beside=tmp_path) == ["3"] * 8


def test_what_is_not_there_or_loaded_already_is_left_as_it_is() -> None:
    script = """
import json
from memsync_git.late import load_late
load_late("json", "nothing_of_that_name")
print(json.dumps(1), type(json).__name__)
import sys
print("nothing_of_that_name" in sys.modules)
try:
    json.nothing
except AttributeError as error:
    print("AttributeError")
"""
    assert said(script) == ["1", "module", "False", "AttributeError"]
