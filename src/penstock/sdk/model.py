"""Response objects: a JSON object with attributes, wrapped when looked at and never validated."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Iterator, KeysView, Mapping
from types import MappingProxyType
from typing import Any, Generic, TypeVar, get_args, get_origin

T = TypeVar("T")
Wrap = Callable[[Any], Any]


class _Slotted(type):
    """Gives each class of models its slots, which are none: nothing else can be set on a model."""

    def __new__(
        cls, name: str, bases: tuple[type, ...], body: dict[str, Any], **options: Any
    ) -> _Slotted:
        return super().__new__(cls, name, bases, {"__slots__": (), **body}, **options)


class Model(metaclass=_Slotted):
    """A JSON object with attribute and item access.

    A subclass annotates the fields it knows. What a server sends beyond them is kept, and what it
    leaves out reads as None; nothing is validated, and a nested object is wrapped in its annotated
    class only when it is looked at. `dict(model)` and `{**model}` work; a field called `get`,
    `keys` or `to_dict` is had by item access alone.

    ```python
    class Message(Model):
        role: str
        content: str | None

    class Choice(Model):
        index: int
        message: Message
    ```

    A field may read as something else than None where the server left it out:
    `class Completion(Model, absent={"choices": list})`.

    Args:
        data: The parsed JSON object.
    """

    __slots__ = ("_data", "_wrapped")
    _data: dict[str, Any]
    _wrapped: dict[str, Any] | None

    def __init_subclass__(
        cls, *, absent: Mapping[str, Callable[[], Any]] = MappingProxyType({}), **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        for name in inspect.get_annotations(cls):
            if name[0] != "_" and name not in cls.__dict__ and not hasattr(Model, name):
                setattr(cls, name, _field(cls, name, absent.get(name, _none)))

    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data if type(data) is dict else dict(data)
        self._wrapped = None

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON object as it came."""
        return self._data

    def get(self, key: str, default: Any = None) -> Any:
        """Return the value of *key*, or *default* if the object has none."""
        return self[key] if key in self._data else default

    def keys(self) -> KeysView[str]:
        """Return the keys the object has."""
        return self._data.keys()

    def __getattr__(self, name: str) -> Any:
        if name in self._data:
            return self._data[name]
        msg = f"{type(self).__name__} has no {name!r}; it has: {', '.join(self._data) or 'nothing'}"
        raise AttributeError(msg)

    def __getitem__(self, key: str) -> Any:
        value = self._data[key]
        is_field = isinstance(getattr(type(self), key, None), _Field)
        return value if value is None or not is_field else getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in self._data

    def __iter__(self) -> Iterator[Any]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __bool__(self) -> bool:
        return True  # an object, whatever it has in it

    def __dir__(self) -> Iterable[str]:
        return {*super().__dir__(), *self._data}

    def __eq__(self, other: object) -> bool:
        return self._data == (other._data if isinstance(other, Model) else other)

    def __hash__(self) -> int:
        msg = f"{type(self).__name__} is not hashable: it holds JSON"
        raise TypeError(msg)

    def __reduce__(self) -> tuple[type[Model], tuple[dict[str, Any]]]:
        return type(self), (self._data,)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._data!r})"


class ListModel(Model, Generic[T]):
    """A JSON object around a list, its `data`: iterable and sized like the list.

    ```python
    class Models(ListModel[ModelInfo]):
        data: list[ModelInfo]
    ```
    """

    def __iter__(self) -> Iterator[T]:
        return iter(self.get("data") or ())

    def __len__(self) -> int:
        return len(self.get("data") or ())


def is_model(kind: Any) -> bool:
    """Tell whether *kind* is a class of models, and no other that JSON can be parsed into."""
    made = kind if isinstance(kind, type) else get_origin(kind)
    return isinstance(made, type) and issubclass(made, Model)


class _Field(property):
    """An annotated field of a `Model`."""


def _field(owner: type[Model], name: str, absent: Callable[[], Any]) -> _Field:
    """Return a field that finds out what wraps it when it is first looked at.

    Not when the class is made: what the annotation names may come after it in its file.
    """

    def resolve(model: Model) -> Any:
        wrap = _wrapper(typing.get_type_hints(owner)[name])
        get = _plain(name, absent) if wrap is None else _wrapping(name, absent, wrap)
        setattr(owner, name, _Field(get, _refuse))
        return get(model)

    return _Field(resolve, _refuse)


def _plain(name: str, absent: Callable[[], Any]) -> Callable[[Model], Any]:
    def get(model: Model) -> Any:
        value = model._data.get(name)
        return absent() if value is None else value

    return get


def _wrapping(name: str, absent: Callable[[], Any], wrap: Wrap) -> Callable[[Model], Any]:
    def get(model: Model) -> Any:
        wrapped = model._wrapped
        if wrapped is not None and name in wrapped:
            return wrapped[name]
        value = model._data.get(name)
        if value is None:
            return absent()
        made = wrap(value)
        if wrapped is None:
            model._wrapped = {name: made}
        else:
            wrapped[name] = made
        return made

    return get


def _refuse(model: Model, _: object) -> None:
    msg = f"{type(model).__name__} is read-only: build a new one from to_dict()"
    raise AttributeError(msg)


def _none() -> None:
    """Make the value of a field that is left out."""


def _wrapper(hint: Any) -> Wrap | None:
    """Return what wraps the values of a field: a model, a list of them, or a union with one."""
    if isinstance(hint, type) and issubclass(hint, Model):
        return lambda value: hint(value) if type(value) is dict else value
    parts = get_args(hint)
    if get_origin(hint) is list and isinstance(kind := parts[0], type) and issubclass(kind, Model):
        # Nearly every list there is: without a call of the wrapper for each item.
        return lambda value: (
            [kind(item) if type(item) is dict else item for item in value]
            if isinstance(value, list)
            else value
        )
    inner = next((wrap for part in parts if (wrap := _wrapper(part))), None)
    if inner is not None and get_origin(hint) is list:
        return lambda value: [inner(item) for item in value] if isinstance(value, list) else value
    return inner


_LEAVES = frozenset({str, int, float, bool, type(None)})  # nearly all there is in JSON


def plain(value: Any) -> Any:
    """Return *value* with every `Model` in it as the JSON object it came as.

    For what callers send: a message that was received may be sent again.

    Args:
        value: JSON, with models anywhere among its dicts, lists and tuples.
    """
    if type(value) in _LEAVES:
        return value
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, dict):
        return {k: item if type(item) in _LEAVES else plain(item) for k, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [item if type(item) in _LEAVES else plain(item) for item in value]
    return value
