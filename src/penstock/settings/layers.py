"""The sources of `load` and `from_env`, in their order of rank."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_settings import PydanticBaseSettingsSource

from penstock.settings.declaration import Declaration, declaration_of
from penstock.settings.discovery import FOREIGN, FileLookup, Search
from penstock.settings.environment import Variables, from_dotenv, from_environ
from penstock.settings.errors import Problem, RefusedError
from penstock.settings.files import named
from penstock.settings.merge import assemble, merge
from penstock.settings.profiles import Choice, choose, read_documents
from penstock.settings.reading import Reading, read_table
from penstock.settings.source import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic.fields import FieldInfo

    from penstock.settings.base import LayeredSettings


@dataclass(frozen=True)
class Places:
    """Where to look.

    Attributes:
        environ: The environment variables; None for the process's.
        dotenv: A `.env` file, if there is one.
        config_file: The settings file, if the caller named it.
        profile: The profile, if the caller named it.
        with_files: Whether settings files are read at all.
    """

    environ: Mapping[str, str] | None
    dotenv: str | os.PathLike[str] | None = None
    config_file: str | os.PathLike[str] | None = None
    profile: str | None = None
    with_files: bool = True


@dataclass
class Read:
    """What the places said.

    Attributes:
        readings: The highest-ranking first.
        problems: Files that cannot be used.
        profile: The profile that holds.
        files: Every file that was looked for.
        unread: Variables with our prefix that set nothing.
        warnings: What deserves a warning.
    """

    readings: list[Reading]
    problems: list[Problem] = field(default_factory=list)
    profile: str | None = None
    files: tuple[FileLookup, ...] = ()
    unread: tuple[str, ...] = ()
    warnings: list[str] = field(default_factory=list)


class Layer(PydanticBaseSettingsSource):
    """What one kind of source said, in the form that pydantic-settings' own hook takes.

    Args:
        settings_cls: The settings class.
        readings: What was read, the highest-ranking first.
    """

    def __init__(self, settings_cls: type[LayeredSettings], *readings: Reading) -> None:
        super().__init__(settings_cls)
        self.readings = readings
        self._table = declaration_of(settings_cls).table

    def __call__(self) -> dict[str, Any]:
        """Return what the layer says, as nested data."""
        return assemble(self._table, merge(self.readings, self._table).given())

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - pydantic-settings' signature
        """Return what the layer says of a field."""
        return self().get(field_name), field_name, False


def read_arguments(cls: type[LayeredSettings], call: str, values: Mapping[str, object]) -> Reading:
    """Return what Python code gave.

    Args:
        cls: The settings class.
        call: How the code reads that gave it, such as `Settings.load()`.
        values: What it gave.
    """
    reading = Reading()
    source = Source("argument", call)
    read_table(reading, declaration_of(cls).table, values, lambda _: source)
    return reading


def read_places(cls: type[LayeredSettings], arguments: Reading, places: Places) -> Read:
    """Read every source, asking `settings_customise_sources` for their order.

    Args:
        cls: The settings class.
        arguments: What Python code gave.
        places: Where to look.
    """
    own = declaration_of(cls)
    environ = os.environ if places.environ is None else places.environ
    search = Search()
    environment = from_environ(environ, own.variables, own.prefix)
    dotenv = _read_dotenv(search, places.dotenv, own)
    files: list[Reading] = []
    choice = None
    if places.with_files:
        if places.config_file is None:
            search.find(environ, own.name)
        else:
            search.read_named(named(places.config_file), own.name)
        choice = choose(_asked(places.profile, own, environment, dotenv), search.documents)
        files = read_documents(search.documents, own.table, choice, cls.guarded)
    sources = cls.settings_customise_sources(
        cls,
        init_settings=Layer(cls, arguments),
        env_settings=Layer(cls, environment.read(own.table)),
        dotenv_settings=Layer(cls, dotenv.read(own.table)),
        file_secret_settings=Layer(cls, *files),
    )
    unread = {
        str(variables.locate(name)): (name, meant)
        for variables in (environment, dotenv)
        for name, meant in variables.unread(own.table, own.variables, own.prefix).items()
    }
    return Read(
        readings=[reading for source in sources for reading in _readings(source, own)],
        problems=search.problems,
        profile=choice.name if choice else None,
        files=tuple(search.lookups),
        unread=tuple(name for name, _ in unread.values()),
        warnings=[
            *(f"{where} sets nothing: did you mean {m}?" for where, (_, m) in unread.items() if m),
            *(f"{file.path} {file.note}" for file in search.lookups if file.note == FOREIGN),
        ],
    )


def _read_dotenv(
    search: Search, file: str | os.PathLike[str] | None, own: Declaration
) -> Variables:
    if file is not None:
        path = named(file)
        try:
            variables = from_dotenv(path, own.variables, own.prefix)
        except RefusedError as refused:
            search.refuse(path, "dotenv", refused)
        else:
            search.lookups.append(FileLookup("dotenv", str(path), found=True, used=True))
            return variables
    return Variables({}, lambda name: Source("dotenv", name))


def _asked(profile: str | None, own: Declaration, *variables: Variables) -> Choice | None:
    """Return the profile somebody asked for: by argument, else by variable."""
    if profile is not None:
        return Choice(profile, Source("argument", "load()"))
    for some in variables:
        name, value = some.first([f"{own.prefix}PROFILE"])
        if name:
            return Choice(value, some.locate(name))
    return None


def _readings(source: PydanticBaseSettingsSource, own: Declaration) -> Iterable[Reading]:
    """Return what a source said; one of the application's own is read as it stands."""
    if isinstance(source, Layer):
        return source.readings
    reading = Reading()
    where = Source("custom", type(source).__name__)
    read_table(reading, own.table, source(), lambda _: where)
    return [reading]
