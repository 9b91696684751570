"""A response's JSON body: parsed (`json_of`), or as an instance of a model (`parse`)."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar, overload

from penstock.call import CALL
from penstock.codec import decode
from penstock.detached import DetachedResponse, media_type_of
from penstock.errors import DecodeError, InvalidOption, PenstockError
from penstock.redact import safe_text

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

    from penstock.call import Call
    from penstock.messages import Request, Response

T = TypeVar("T")
ErrorT = TypeVar("ErrorT", bound=PenstockError)

_JSON = "penstock.json"
_ADAPTERS_KEPT = 256
_PROBLEMS_SHOWN = 5
_MESSAGE_LIMIT = 500
_MODULE_PATH = re.compile(r"[\w<>]+\.")


def json_of(response: Response) -> Any:
    """Return the parsed JSON body of *response*, which is parsed once, whoever asks.

    It is everybody's: not to be changed in a middleware.

    Args:
        response: Any response whose body was read.

    Raises:
        ValueError: The body is not JSON, as the decoder says it.
        RecursionError: It is nested too deeply.
    """
    extensions = response.extensions
    if _JSON not in extensions:
        extensions[_JSON] = decode(response.content)
    return extensions[_JSON]


@overload
def parse(response: Response, model: type[T]) -> T: ...
@overload
def parse(response: Response, model: Any) -> Any: ...
def parse(response: Response, model: Any) -> Any:
    """Return the JSON body of *response* as an instance of *model*.

    The bytes go through pydantic's JSON validator in one pass, so what pydantic says about JSON
    input holds, in strict models too.

    Args:
        response: Any response whose body was read.
        model: A pydantic model, a dataclass, a TypedDict, a builtin, or a type made of them, such
            as `list[Model]` or `Model | None`. Type checkers know the result of a class and of
            `list[Model]`; of other forms it is `Any`.

    Returns:
        The instance.

    Raises:
        DecodeError: The body is not JSON, or does not fit *model*. The message names the model, and
            path (RFC 9535) and kind (pydantic's error type) of what is wrong, never a value. Keys
            of the body do appear in a path.
        InvalidOption: *model* is nothing pydantic can validate.
    """
    value, failure = fitted(response.content, model, kind=f" ({media_type_of(response.headers)})")
    if failure is None:
        return value
    try:
        raise error_about(failure, response) if isinstance(failure, DecodeError) else failure
    finally:
        del failure  # it refers to this frame through its traceback


def fitted(
    content: bytes | str, model: Any, what: str = "body", kind: str = ""
) -> tuple[Any, PenstockError | None]:
    """Return the JSON *content* as an instance of *model*, or else the error that says why not.

    It is returned, not raised: pydantic's own, which carries the content, would be in its chain.

    Args:
        content: The JSON.
        model: As `parse` takes it.
        what: What to call the content in an error.
        kind: What it says it is, for an error that it is not JSON.
    """
    from pydantic import PydanticUndefinedAnnotation, PydanticUserError, ValidationError

    try:
        return _adapter(model).validate_json(_utf8(content)), None
    except ValidationError as error:
        return None, DecodeError(_explain(error, model, what, kind))
    except UnicodeDecodeError as error:
        return None, DecodeError(f"the {what} is not {error.encoding} text")
    except (PydanticUserError, PydanticUndefinedAnnotation) as error:
        reason = str(error).partition("\n")[0]
        return None, InvalidOption(f"{_name(model)} is nothing JSON can be parsed into: {reason}")


def error_about(error: ErrorT, response: Response) -> ErrorT:
    """Return *error* knowing which response, and which call, it is about.

    Args:
        error: An error that is about to be raised.
        response: The response that caused it.
    """
    request: Request | None = None
    with suppress(RuntimeError):  # a response nobody asked for, as in a test
        request = response.request
    call: Call | None = None if request is None else request.extensions.get(CALL)
    secrets = () if call is None else call.scope.secrets
    # Cut last: half a secret would not be found any more.
    error.message = safe_text(error.message, secrets)[:_MESSAGE_LIMIT]
    error.args = (error.message,)
    if request is not None:
        method, url = request.method, request.url
        about = DetachedResponse(response, b"", method=method, url=url, secrets=secrets)
        error.method, error.url, error.request_id = method, about.url, about.request_id
        if call is not None:
            call.complete(error, request)
    return error


def _adapter(model: Any) -> TypeAdapter[Any]:
    try:
        hash(model)
    except TypeError:  # such as `Annotated` with a list in it
        return _kept_adapter.__wrapped__(model, "")
    # Spelled too: `A | B` equals `B | A`, and pydantic prefers the first that fits.
    return _kept_adapter(model, repr(model))


@lru_cache(_ADAPTERS_KEPT)
def _kept_adapter(model: Any, _spelling: str) -> TypeAdapter[Any]:
    from pydantic import TypeAdapter

    return TypeAdapter(model)


def _utf8(content: bytes | str) -> bytes | str:
    """Return JSON as pydantic reads it: UTF-8 without the byte order mark (RFC 8259 §8.1)."""
    if isinstance(content, str):
        return content
    encoding = json.detect_encoding(content)
    return content if encoding == "utf-8" else content.decode(encoding)


def _explain(error: ValidationError, model: Any, what: str, kind: str) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    first = problems[0]
    if first["type"] == "json_invalid" and not first["loc"]:
        return f"the {what} is not JSON{kind}: {first['msg'].removeprefix('Invalid JSON: ')}"
    shown = "; ".join(f"{_path(one['loc'])}: {one['type']}" for one in problems[:_PROBLEMS_SHOWN])
    rest = len(problems) - _PROBLEMS_SHOWN
    more = f" and {rest} more" if rest > 0 else ""
    return f"the {what} does not fit {_name(model)}: {shown}{more}"


def _path(steps: tuple[int | str, ...]) -> str:
    return "$" + "".join(map(_step, steps))


def _step(step: int | str) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f"[{step!r}]"


def _name(model: Any) -> str:
    """Return how the model is written in source, without the modules: `Item`, `list[Item]`."""
    return model.__name__ if isinstance(model, type) else _MODULE_PATH.sub("", repr(model))
