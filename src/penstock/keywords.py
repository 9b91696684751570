"""Arguments that a constructor does not have, told by the ones that were meant."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

from penstock.errors import InvalidOption
from penstock.options import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class Keywords:
    """A base for classes whose constructor says which argument a misspelt one was meant to be.

    `InvalidOption` instead of Python's `TypeError`, which it is too. A constructor with `**` takes
    what it takes, unless it says what that is.
    """

    _others: ClassVar[Collection[str] | None] = None
    """What the `**` of a class's own constructor takes; None for anything."""

    _elsewhere: ClassVar[Mapping[str, str]] = {}
    """Where to give what somebody may look for here."""

    # Not in `__init__`: its frame would hold a key, which a traceback with locals would show. And
    # not beside it: what a class defines itself is what type checkers and `inspect` go by.
    def __new__(cls, *args: Any, **given: Any) -> Self:
        """Refuse the first name that `__init__` does not take."""
        if given:
            known = _known(cls, cls.__init__)  # type: ignore[arg-type]  # classes do hash
            if known is not None and not known.issuperset(given):
                name = next(name for name in given if name not in known)
                del args
                given.clear()
                raise InvalidOption(_unknown(cls, name, known))
        return super().__new__(cls)


def keywords_of(method: Any, others: Collection[str] | None = None) -> frozenset[str] | None:
    """Return the names that *method* takes by keyword, or None if any.

    Args:
        method: A method, not bound.
        others: What its `**` takes, or None for anything.
    """
    code = getattr(method, "__code__", None)
    if code is None or (code.co_flags & inspect.CO_VARKEYWORDS and others is None):
        return None
    last = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[max(1, code.co_posonlyargcount) : last]
    return frozenset(names).union(others or ())


@lru_cache(maxsize=256)
def _known(cls: type[Keywords], init: Any) -> frozenset[str] | None:
    # What a class says holds for the constructor beside it: one further down takes other names.
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    return keywords_of(init, vars(owner).get("_others"))


def _unknown(cls: type[Keywords], name: str, known: frozenset[str]) -> str:
    where = cls._elsewhere.get(name)
    meant = did_you_mean(name, tuple(sorted(known))) if where is None else f": {where}"
    return f"{cls.__name__} has no argument {name!r}{meant}"
