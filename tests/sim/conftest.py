"""The table of the fleet simulation, printed at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sim.bounds import HEADING

PROPERTY = "fleet"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print one line per cell, whichever worker ran it."""
    lines = sorted(_lines(terminalreporter))
    if lines:
        terminalreporter.section("the fleet, simulated")
        terminalreporter.write_line(HEADING)
        for line in lines:
            terminalreporter.write_line(line)


def _lines(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            yield from (str(value) for name, value in report.user_properties if name == PROPERTY)
