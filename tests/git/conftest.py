from __future__ import annotations

from pathlib import Path

import pytest

from tests.git.hubs import HubFolder


@pytest.fixture
def hub(tmp_path: Path) -> HubFolder:
    return HubFolder(tmp_path)
