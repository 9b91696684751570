"""How a middleware shows itself: as the call that makes one like it."""

from __future__ import annotations


def shown(name: str, *arguments: tuple[str, object, object]) -> str:
    """Return the call that makes a middleware, without the arguments that are as usual.

    Args:
        name: The name of its class.
        *arguments: Name, value and usual value of each; one without a name is shown by position. A
            function is shown by its name.
    """
    given = [
        f"{argument}={_text(value)}" if argument else _text(value)
        for argument, value, usual in arguments
        if value != usual
    ]
    return f"{name}({', '.join(given)})"


def _text(value: object) -> str:
    return getattr(value, "__name__", type(value).__name__) if callable(value) else repr(value)
