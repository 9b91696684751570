"""Every settings test has a project of its own, and none of this machine's files or variables."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from .support import Place

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    place = Place(tmp_path)
    for name in os.environ:
        if name.startswith(("PENSTOCK_", "ACME", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(place.home))
    monkeypatch.chdir(place.project)
    return place
