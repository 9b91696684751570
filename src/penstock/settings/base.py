"""Settings in layers: how they are made, and what they can tell of themselves."""

from __future__ import annotations

import os
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar, Self

from pydantic import PrivateAttr
from pydantic_settings import BaseSettings, SettingsConfigDict

from penstock.settings.declaration import declaration_of
from penstock.settings.discovery import user_file
from penstock.settings.errors import Problem, SettingsError
from penstock.settings.explain import Explained, Explanation, Provenance
from penstock.settings.frozen import Frozen
from penstock.settings.layers import Places, Read, read_arguments
from penstock.settings.making import fill, make, remake
from penstock.settings.mask import shown
from penstock.settings.reading import suggest_key
from penstock.settings.source import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from penstock.settings.outcome import Outcome
    from penstock.settings.schema import Leaf


class LayeredSettings(Frozen, BaseSettings):
    """The base of every settings class.

    A subclass says in its body what its variables begin with
    (`model_config = SettingsConfigDict(env_prefix="ACME_")`), and may say its name in files
    (`config_name`), further variables and keys of a field
    (`Annotated[…, EnvNames(…), FileKeys(…)]`), and fields and defaults of its own.

    pydantic-settings' `settings_customise_sources` may add a source of the application's, such as a
    secrets manager, anywhere in the order; `load` and `from_env` ask it.

    Attributes:
        config_name: The name in files: `NAME.toml`, `[tool.NAME]`,
            `$XDG_CONFIG_HOME/NAME/config.toml`. By default the prefix in lower case, without its
            underscore.
        guarded: Dotted paths that a project file may not set unless the caller names it: whoever
            can put a file into a project must not say where its user's key is sent.
    """

    model_config = SettingsConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    config_name: ClassVar[str] = ""
    guarded: ClassVar[frozenset[str]] = frozenset({"base_url", "proxy", "verify", "headers.host"})

    _provenance: Provenance = PrivateAttr(default_factory=Provenance)

    def __init__(self, **values: Any) -> None:
        cls = type(self)
        outcome = fill(self, Read([read_arguments(cls, f"{cls.__name__}()", values)]))
        del self, values
        outcome.settle()

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if cls.__pydantic_complete__:
            declaration_of(cls)

    @classmethod
    def load(
        cls,
        config_file: str | os.PathLike[str] | None = None,
        profile: str | None = None,
        environ: Mapping[str, str] | None = None,
        dotenv: str | os.PathLike[str] | None = None,
        **overrides: Any,
    ) -> Self:
        """Read every source. The highest that names a setting wins, key by key for mappings.

        From the top: *overrides*, environment variables, *dotenv*, the selected profile (the
        project file's, then the user file's), the project file, the user file, defaults.

        Args:
            config_file: The one settings file to read (TOML, JSON or YAML by its suffix) in place
                of the project's and the user's.
            profile: The profile to select; else `<PREFIX>PROFILE`, else `default-profile` in a
                file.
            environ: Environment variables to read in place of the process's.
            dotenv: A `.env` file to read. None is looked for.
            overrides: Settings by field name. `UNSET` stands for not given; a header's `REMOVE`
                drops it.

        Returns:
            The settings.

        Raises:
            SettingsError: Something cannot be used; it lists everything.
        """
        places = Places(environ, dotenv, config_file, profile)
        outcome = make(cls, f"{cls.__name__}.load()", overrides, places)
        del environ, overrides, places
        return outcome.settle()

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read *overrides*, environment variables and defaults: no file, and so no profile.

        Args:
            environ: Environment variables to read in place of the process's.
            overrides: Settings by field name, as in `load`.

        Returns:
            The settings.

        Raises:
            SettingsError: Something cannot be used; it lists everything.
        """
        places = Places(environ, with_files=False)
        outcome = make(cls, f"{cls.__name__}.from_env()", overrides, places)
        del environ, overrides, places
        return outcome.settle()

    def replace(self, **changes: Any) -> Self:
        """Return settings with *changes*, checked, without reading any source again.

        Tables and mappings merge; everything else keeps its value and its source.

        Args:
            changes: Settings by field name, as in `load`.

        Raises:
            SettingsError: A change cannot be used.
        """
        outcome = self._remade(changes)
        del changes
        return outcome.settle()

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """Return a copy; *update* goes through `replace`, so that it is checked."""
        if not update:
            return super().model_copy(deep=deep)
        outcome = self._remade(update)
        del update
        return outcome.settle()

    def _remade(self, changes: Mapping[str, Any]) -> Outcome[Self]:
        cls = type(self)
        arguments = read_arguments(cls, f"{cls.__name__}.replace()", changes)
        return remake(self, self._provenance, arguments)

    def require(self, path: str) -> Any:
        """Return a setting that must have been given.

        Args:
            path: Its dotted path, such as `api_key`.

        Returns:
            Its value.

        Raises:
            SettingsError: It is None; the error says every way to set it.
            KeyError: There is no such setting.
        """
        leaf = self._leaf(path)
        value = attrgetter(path)(self)
        if value is None:
            own = declaration_of(type(self))
            file = user_file(os.environ, own.name)
            key = ".".join((*leaf.path[:-1], leaf.keys[-1]))
            ways = [f"pass {path}=…", f"set {' or '.join(leaf.variables)}"]
            ways += [f"write {key} into {file}"] if file else []
            raise SettingsError([Problem(path, "is not set", hint=", or ".join(ways))])
        return value

    def given(self) -> dict[str, object]:
        """Return the settings that somebody gave, by dotted path: a source, or a product's class.

        Penstock's own defaults are left out, so that whoever has others can tell. Mappings are
        whole; a secret is a `SecretStr`.
        """
        own = declaration_of(type(self))
        slots = self._provenance.sources
        mappings = {slot[:-1] for slot in slots}  # a key gives its mapping
        paths = mappings.union(slots, own.own_defaults)
        leaves = own.table.leaves()
        return {leaf.name: attrgetter(leaf.name)(self) for leaf in leaves if leaf.path in paths}

    def explain(self) -> Explanation:
        """Return every setting with its value, masked, and its source."""
        known = self._provenance
        leaves = declaration_of(type(self)).table.leaves()
        values = tuple(value for leaf in leaves for value in self._explain(leaf))
        return Explanation(values, known.profile, known.files, known.unread)

    def _explain(self, leaf: Leaf) -> Iterator[Explained]:
        value = attrgetter(leaf.name)(self)
        parts = {leaf.path: (leaf.name, leaf.path[-1], value)}
        if leaf.shape == "mapping" and value:
            parts = {leaf.slot(k): (f"{leaf.name}.{k}", k, item) for k, item in value.items()}
        for slot, (path, name, item) in parts.items():
            source = self._provenance.sources.get(slot, DEFAULT)
            text = shown(name, item, secret=leaf.is_secret)
            yield Explained(path, text, source, self._provenance.shadowed.get(slot, ()))

    def _leaf(self, path: str) -> Leaf:
        table = declaration_of(type(self)).table
        for leaf in table.leaves():
            if leaf.name == path:
                return leaf
        msg = f"there is no setting {path!r}; {suggest_key(path, table)}".rstrip("; ")
        raise KeyError(msg)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LayeredSettings) and (type(self), self.__dict__) == (
            type(other),
            other.__dict__,
        )

    __hash__ = None  # type: ignore[assignment]  # headers are a dictionary
