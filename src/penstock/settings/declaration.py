"""What a settings class says of itself in its body, checked when the class is made."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

from pydantic import ConfigDict
from pydantic_settings import BaseSettings, SettingsConfigDict

from penstock.settings.environment import known_variables
from penstock.settings.frozen import Section
from penstock.settings.schema import Table, model_in, table_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel

    from penstock.settings.schema import Keys

_RESERVED = frozenset(
    {"profile", "profiles", "default_profile", "config_file", "environ", "dotenv"}
)
"""Names that mean something else in a file or in `load`."""

_UNREAD_CONFIG = (
    frozenset(SettingsConfigDict.__annotations__)
    - frozenset(ConfigDict.__annotations__)
    - {"env_prefix"}
)


@dataclass(frozen=True)
class Declaration:
    """How a settings class is known outside.

    Attributes:
        table: Its fields.
        prefix: What its environment variables begin with.
        name: Its name in files: `NAME.toml`, `[tool.NAME]`, `NAME/config.toml`.
        variables: Every variable it reads.
        own_defaults: The leaves whose default is the product's and not the one it inherits.
    """

    table: Table
    prefix: str
    name: str
    variables: frozenset[str]
    own_defaults: frozenset[Keys]


def declaration_of(cls: type[BaseSettings]) -> Declaration:
    """Return how *cls* is known outside, worked out once for each class.

    Args:
        cls: A settings class.

    Raises:
        TypeError: Its body would not do what it says: it has no prefix, an alias, a reserved name,
            a field without a default, a table that can change, or an option of pydantic-settings
            that is not read here.
    """
    known: Declaration | None = cls.__dict__.get("__penstock_declaration__")
    if known is None:
        known = _declare(cls)
        cls.__penstock_declaration__ = known  # type: ignore[attr-defined]  # kept on the class itself
    return known


def _declare(cls: type[BaseSettings]) -> Declaration:
    cls.model_rebuild()
    _check(cls)
    prefix = cls.model_config.get("env_prefix", "")
    name = getattr(cls, "config_name", "") or prefix.rstrip("_").lower().replace("_", "-")
    table = table_of(cls, prefix)
    return Declaration(
        table, prefix, name, known_variables(table, prefix), frozenset(_own_defaults(cls, table))
    )


def _own_defaults(cls: type[BaseSettings], table: Table) -> Iterator[Keys]:
    settings = [base for base in cls.__mro__ if issubclass(base, BaseSettings)]
    first = [base for base in settings if base.model_fields][-1]
    mine, inherited = cls.model_construct(), first.model_construct()
    for leaf in table.leaves():
        default = attrgetter(leaf.name)
        try:
            is_own = default(mine) != default(inherited)
        except AttributeError:  # a field of the product's own
            continue
        if is_own:
            yield leaf.path


def _check(cls: type[BaseSettings]) -> None:
    prefix = cls.model_config.get("env_prefix", "")
    if not prefix or prefix != prefix.upper():
        msg = f'{cls.__name__}: model_config needs an env_prefix in upper case, such as "ACME_"'
        raise TypeError(msg)
    for key in _UNREAD_CONFIG:
        if cls.model_config.get(key) != BaseSettings.model_config.get(key):
            msg = (
                f"{cls.__name__}: model_config[{key!r}] is not read here: name files in "
                "load(config_file=…, dotenv=…), and variables with EnvNames(…)"
            )
            raise TypeError(msg)
    if reserved := _RESERVED & set(cls.model_fields):
        msg = f"{cls.__name__}: a field cannot be named {min(reserved)!r}: files and load() use it"
        raise TypeError(msg)
    _check_fields(cls)


def _check_fields(model: type[BaseModel]) -> None:
    for name, info in model.model_fields.items():
        if info.alias is not None or info.validation_alias is not None:
            msg = (
                f"{model.__name__}.{name}: an alias would hide the field's own name: "
                "use EnvNames(…) and FileKeys(…)"
            )
            raise TypeError(msg)
        if info.is_required():
            msg = f"{model.__name__}.{name}: give it a default; a client asks for it with require()"
            raise TypeError(msg)
        table = model_in(info.annotation)
        if table is None:
            continue
        if not issubclass(table, Section):
            msg = f"{table.__name__} can change: a table of settings is a penstock.settings.Section"
            raise TypeError(msg)
        _check_fields(table)
