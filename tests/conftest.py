"""What every test shares: how many examples a property is shown, and no service or screen is touched.

HYPOTHESIS_PROFILE=dev      few examples, so that laws and contracts stay under ten seconds (the default)
HYPOTHESIS_PROFILE=ci       the same ones every time (the default where CI is set): red can be run again
HYPOTHESIS_PROFILE=night    as many as a night has room for
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.left_out_oracle import rules_looked_after
from tests.standins import no_screen, no_service

SLOW_MACHINES = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile("dev", max_examples=15, deadline=None, suppress_health_check=SLOW_MACHINES)
settings.register_profile(
    "ci", max_examples=25, deadline=None, derandomize=True, suppress_health_check=SLOW_MACHINES
)
settings.register_profile("night", max_examples=4000, deadline=None, suppress_health_check=SLOW_MACHINES)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev"))


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # Started in the background of a shell: whatever a test starts would not hear Ctrl-C either.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The fleets first: whoever runs several tests at once is not left alone with the longest at the end."""
    items.sort(key=lambda item: "sim" not in item.path.parts)


@pytest.fixture(autouse=True, scope="session")
def _services_of_whoever_runs_this_are_left_alone(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """A test that means to meet a service brings its own."""
    with no_service(tmp_path_factory.mktemp("no-service")):
        yield


@pytest.fixture(autouse=True, scope="session")
def _whoever_runs_this_gets_no_notes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A test that means to be told something brings its own screen."""
    with no_screen(tmp_path_factory.mktemp("no-screen")):
        yield


@pytest.fixture(autouse=True, scope="session")
def _what_is_left_out_is_found_twice() -> Iterator[None]:
    with rules_looked_after():
        yield
