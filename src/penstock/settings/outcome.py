"""What became of making settings, kept until nobody holds a raw value any more.

A traceback may show the locals of every frame it passes. So nothing below a public method raises:
problems come back as an `Outcome`, the method drops what it was given, and only then are they
raised, outside of any handler, where there is no `__context__`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from penstock.callers import level_of_caller
from penstock.settings.errors import Problem, SettingsError, SettingsWarning

if TYPE_CHECKING:
    from penstock.settings.base import LayeredSettings

MadeT = TypeVar("MadeT", bound="LayeredSettings")


@dataclass
class Outcome(Generic[MadeT]):
    """Settings, or why there are none.

    Attributes:
        settings: The settings, unless there are problems.
        problems: What is wrong.
        warnings: What deserves a warning.
    """

    settings: MadeT | None
    problems: list[Problem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def settle(self) -> MadeT:
        """Warn where the caller's own code stands, then return the settings.

        Raises:
            SettingsError: There are problems.
        """
        for warning in self.warnings:
            warnings.warn(warning, SettingsWarning, stacklevel=level_of_caller())
        if self.settings is None:
            raise SettingsError(self.problems)
        return self.settings
