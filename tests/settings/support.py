"""What the settings tests share: a home, a project, and two products' settings."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from penstock.settings import EnvNames, FileKeys, Settings, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY = "sk-live-0123456789abcdWXYZ"


class Acme(Settings):
    """Another product, with names of its own."""

    model_config = SettingsConfigDict(env_prefix="ACME_")

    base_url: str | None = "https://api.acme.example"
    api_key: Annotated[
        SecretStr | None, EnvNames("OLD_ACME_KEY", "ACMEKEY"), FileKeys("acme_api_key")
    ] = Field(default=None)
    default_model: str | None = None


class Place:
    """A home and a project inside it, with nothing in either until a test writes it.

    Args:
        root: An empty directory.
    """

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = self.home / "project"
        (self.project / ".git").mkdir(parents=True)
        self.environ = {"HOME": str(self.home)}

    def write(self, path: str | Path, text: str) -> Path:
        """Write a file of the project, or one with an absolute path."""
        file = self.project / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def user(self, text: str) -> Path:
        """Write the user's settings file."""
        return self.write(self.home / ".config/penstock/config.toml", text)

    def load(
        self,
        cls: type[Settings] = Settings,
        environ: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Settings:
        """Load with this home and only the variables given."""
        return cls.load(environ={**self.environ, **(environ or {})}, **options)


def problems(error: SettingsError) -> list[tuple[str, str]]:
    """Return the path and message of each problem."""
    return [(problem.path, problem.message) for problem in error.problems]


def everything_shown(error: BaseException) -> str:
    """Return all the text that an error can give away, locals of every frame of ours included."""
    stack = traceback.TracebackException.from_exception(error, capture_locals=True)
    ours = [frame for frame in stack.stack if "/penstock/" in frame.filename]
    shown = [str(error), repr(error), repr(error.args), repr(vars(error))]
    return "\n".join([*shown, *(str(frame.locals) for frame in ours)])
