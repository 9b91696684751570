"""What is wrong with settings: every problem at once, each with its path, source and cure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from penstock.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable


class SettingsWarning(UserWarning):
    """Something was left unread that looks as if it was meant to be a setting."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong. It never holds a value, so it can never show a secret.

    Attributes:
        path: The setting, dotted, such as `retry.max_retries`; the key as it was written if it is
            unknown; empty for a whole file.
        message: What is wrong with it.
        source: Where it was set: the variable, or the file with its line and key.
        hint: What to do about it.
    """

    path: str
    message: str
    source: str = ""
    hint: str = ""

    def __str__(self) -> str:
        place = f" ({self.source})" if self.path and self.source else ""
        cure = f"; {self.hint}" if self.hint else ""
        return f"{self.path or self.source}: {self.message}{place}{cure}"


class SettingsError(ConfigurationError):
    """Settings cannot be used as they were given.

    Args:
        problems: Everything that is wrong, not only the first.

    Attributes:
        problems: As above.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems]
        super().__init__(lines[0] if len(lines) == 1 else "\n  ".join(["wrong settings:", *lines]))

    def __str__(self) -> str:
        return self.message  # a line for each problem: they are all ours


class RefusedError(ValueError):
    """Raised by a check and never let out: it becomes a `Problem`.

    Args:
        message: What is wrong, without the value.
        hint: What to write instead.
        line: The line of the file, if a file is meant.
    """

    def __init__(self, message: str, hint: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.hint = hint
        self.line = line
