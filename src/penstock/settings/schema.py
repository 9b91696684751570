"""What a settings class can be given: its leaves, and the name each of them has in every source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import cached_property
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr

from penstock.settings.mask import is_secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

Keys = tuple[str, ...]
Shape = Literal["value", "list", "mapping", "json"]


class EnvNames:
    """Further environment variables of a field, by their full names.

    Put it into the field's `Annotated[...]`. The variable that the class's prefix makes comes
    first, then these in order; the first that is set wins.

    Args:
        names: Full names, such as `BABY_API_KEY`.
    """

    def __init__(self, *names: str) -> None:
        self.names = names


class FileKeys:
    """Further keys of a field in settings files, beside its own name.

    Put it into the field's `Annotated[...]`.

    Args:
        names: Keys as they stand in the file, such as `bayt_api_key`.
    """

    def __init__(self, *names: str) -> None:
        self.names = names


@dataclass(frozen=True)
class Leaf:
    """One setting that holds a value.

    Attributes:
        path: Where it is in the model.
        variables: The environment variables that set it, the first one set winning.
        keys: The keys that set it in a file, the product's own ones last.
        shape: How text from the environment is read: as it is, as a list, as a mapping whose keys
            are settings of their own, or as JSON.
        takes_none: Whether the texts `none` and `off` stand for `None`.
        holds_headers: Whether it is a mapping of HTTP headers, whose names have no case.
        is_secret: Whether its value is never shown, by its type or its name.
        preset: The keys a mapping has by default.
    """

    path: Keys
    variables: Keys
    keys: Keys
    shape: Shape
    takes_none: bool
    holds_headers: bool
    is_secret: bool
    preset: Mapping[str, object]

    @cached_property
    def name(self) -> str:
        """The dotted path."""
        return ".".join(self.path)

    def slot(self, key: str) -> Keys:
        """Return where one key of this mapping is kept, the same for every spelling of a header."""
        return (*self.path, key.lower() if self.holds_headers else key)


@dataclass(frozen=True)
class Table:
    """One model with fields: the settings themselves, or a table in them.

    Attributes:
        path: Where it is in the settings; empty for the settings themselves.
        variables: The environment variables that set the whole table as JSON.
        keys: The keys that set it in a file.
        fields: Its leaves and tables by field name.
        preset: What the field's default sets, where that differs from the table's own defaults.
    """

    path: Keys
    variables: Keys
    keys: Keys
    fields: dict[str, Leaf | Table]
    preset: Mapping[str, object] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> dict[str, str]:
        """The field each file key sets."""
        return {key: name for name, node in self.fields.items() for key in node.keys}

    @cached_property
    def own_keys(self) -> dict[str, str]:
        """The fields by their own name: what Python code may write."""
        return {name: name for name in self.fields}

    def leaves(self) -> Iterator[Leaf]:
        """Yield every leaf, in the order of the class."""
        for node in self.fields.values():
            if isinstance(node, Table):
                yield from node.leaves()
            else:
                yield node

    def tables(self) -> Iterator[Table]:
        """Yield every table below this one."""
        for node in self.fields.values():
            if isinstance(node, Table):
                yield node
                yield from node.tables()


def table_of(
    model: type[BaseModel], prefix: str, path: Keys = (), default: BaseModel | None = None
) -> Table:
    """Return the table of a model.

    Args:
        model: The class.
        prefix: What its environment variables begin with.
        path: Where it is in the settings.
        default: The instance it is by default, if it is a table in another model.
    """
    fields: dict[str, Leaf | Table] = {}
    for name, info in model.model_fields.items():
        where = (*path, name)
        members = tuple(_members(info.annotation))
        value = _default(info) if default is None else getattr(default, name)
        variables = (prefix + "__".join(where).upper(), *_names(info, EnvNames))
        keys = (*dict.fromkeys((name.replace("_", "-"), name)), *_names(info, FileKeys))
        inner = model_in(info.annotation)
        if inner is not None:
            held = value if isinstance(value, BaseModel) else None
            preset = held.model_dump(exclude_unset=True) if held is not None else {}
            below = table_of(inner, prefix, where, held).fields
            fields[name] = Table(where, variables, keys, below, preset)
            continue
        real = [member for member in members if member is not type(None)]
        shape = _shape(real)
        fields[name] = Leaf(
            path=where,
            variables=variables,
            keys=keys,
            shape=shape,
            takes_none=len(real) < len(members) and all(_is_number(member) for member in real),
            holds_headers=shape == "mapping" and name.endswith("headers"),
            is_secret=is_secret(name) or _holds_secret(info.annotation),
            preset=value if shape == "mapping" and isinstance(value, Mapping) else {},
        )
    return Table(path, (), (), fields)


def model_in(annotation: Any) -> type[BaseModel] | None:
    """Return the model of a field that is a table, or None.

    Args:
        annotation: The field's annotation.
    """
    members = list(_members(annotation))
    return members[0] if len(members) == 1 and _is_model(members[0]) else None


def _names(info: FieldInfo, kind: type[EnvNames | FileKeys]) -> Keys:
    return tuple(name for note in info.metadata if isinstance(note, kind) for name in note.names)


def _default(info: FieldInfo) -> object:
    if info.default_factory_takes_validated_data:
        return None
    return info.get_default(call_default_factory=True)


def _members(annotation: Any) -> Iterator[Any]:
    """Yield what a union is made of, looking through `Annotated` and `type` aliases."""
    annotation = getattr(annotation, "__value__", annotation)
    if get_origin(annotation) is Annotated:
        yield from _members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, UnionType):
        for member in get_args(annotation):
            yield from _members(member)
    else:
        yield annotation


def _holds_secret(annotation: Any) -> bool:
    inside = get_args(annotation)
    return annotation in (SecretStr, SecretBytes) or any(_holds_secret(part) for part in inside)


def _is_model(member: object) -> bool:
    return isinstance(member, type) and issubclass(member, BaseModel)


def _is_number(member: object) -> bool:
    return isinstance(member, type) and issubclass(member, int | float | Decimal | timedelta)


def _shape(members: list[Any]) -> Shape:
    kinds = [get_origin(member) or member for member in members]
    if len(kinds) == 1 and isinstance(kinds[0], type):
        if issubclass(kinds[0], Mapping):
            return "mapping"
        if issubclass(kinds[0], Sequence | AbstractSet) and not issubclass(kinds[0], str | bytes):
            return "list"
    return "value" if Literal in kinds or any(map(_is_plain, kinds)) else "json"


def _is_plain(kind: object) -> bool:
    """Tell whether text alone can stand for a value of this kind."""
    if not isinstance(kind, type) or kind in (Any, object):
        return False
    return not issubclass(kind, BaseModel | Mapping | list | tuple | AbstractSet)
