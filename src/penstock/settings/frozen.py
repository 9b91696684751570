"""Objects that never change and never print a secret: the bases of settings and of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from penstock.settings.errors import SettingsError
from penstock.settings.mask import safe_value
from penstock.settings.schema import table_of
from penstock.settings.validation import problems_of

if TYPE_CHECKING:
    from collections.abc import Iterable

WITHIN = object()
"""The validation context that says whoever validates will turn the errors into problems."""


class Frozen(BaseModel):
    """A model whose fields cannot be set and whose repr masks what may be a secret."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    if not TYPE_CHECKING:  # a checker that sees these would let every name be set

        def __setattr__(self, name: str, value: object) -> None:
            if name.startswith("_"):
                super().__setattr__(name, value)
                return
            del value  # pydantic's own error, and a traceback with locals, would show it
            msg = f"{type(self).__name__} is frozen: settings.replace(…) returns a changed copy"
            raise AttributeError(msg)

        def __delattr__(self, name: str) -> None:
            msg = f"{type(self).__name__} is frozen: {name} cannot be deleted"
            raise AttributeError(msg)

    def __repr_args__(self) -> Iterable[tuple[str | None, Any]]:
        for name, value in super().__repr_args__():
            yield name, safe_value(name or "", value)


class Section(Frozen):
    """A table of settings: the base of every model that is a field of a settings class.

    Raises:
        SettingsError: A value cannot be used.
    """

    @model_validator(mode="wrap")
    @classmethod
    def _refuse_by_problems(
        cls,
        data: Any,
        handler: ModelWrapValidatorHandler[Self],
        info: ValidationInfo,
    ) -> Self:
        if info.context is WITHIN:
            return handler(data)
        try:
            return handler(data)
        except ValidationError as error:
            problems = problems_of(error, table_of(cls, ""))
        del data, handler
        raise SettingsError(problems)


class FrozenDict(dict[str, Any]):
    """A dictionary that cannot change."""

    __slots__ = ()

    def _refuse(self: Any, *_: object, **__: object) -> NoReturn:
        msg = "this mapping belongs to frozen settings: settings.replace(…) returns a changed copy"
        raise TypeError(msg)

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)
