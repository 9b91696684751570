"""What every resource of BabyAPI does alike: send a JSON body, get a dict or a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from penstock import Colour, Items, Resource
from penstock.clients.babyapi.errors import BabyAPIError, not_json
from penstock.clients.babyapi.events import SSEEvent, as_sse_event
from penstock.clients.babyapi.options import overrides_of

if TYPE_CHECKING:
    from penstock import Response
    from penstock.clients.babyapi.options import Options

_TRUE = frozenset({"1", "true", "yes", "on"})


class Calling(Resource[Colour]):
    """A resource that sends as BabyAPI's client does, with what its client gave it."""

    _default_model: str | None
    _has_credential: bool
    _stream_timeout: float | None

    async def _create(
        self, operation: str, path: str, body: Mapping[str, Any], given: Options
    ) -> dict[str, Any]:
        """Send *body* and return the JSON that comes back."""
        if _is_true(body.get("stream")):
            msg = "create() does not stream: call stream(), or leave out stream=True"
            raise BabyAPIError(msg, code="STREAM_METHOD_REQUIRED")
        _check_messages(body)
        own = self._overrides(given)
        call = {"request_options": own} if own else {}
        return await self._json("POST", path, json=body, operation=operation, **call)  # type: ignore[no-any-return]  # an object, as the API has it

    def _unfit(self, response: Response, said: str) -> Exception:
        return not_json(response, said)

    def _stream_of(
        self, operation: str, path: str, body: Mapping[str, Any], given: Options
    ) -> Items[SSEEvent]:
        """Send *body* and return the events that come back, once somebody iterates."""
        _check_messages(body)
        own = {"timeout": self._stream_timeout, **self._overrides(given), "max_retries": 0}
        streamed = {**body, "stream": True}
        return self._stream(
            "POST", path, as_sse_event, json=streamed, operation=operation, request_options=own
        )

    def _overrides(self, given: Options) -> dict[str, Any]:
        own = {} if given is None else overrides_of(given)
        if not self._has_credential and "api_key" not in own:
            msg = "an API key is required: pass api_key=, or set BABYAPI_API_KEY"
            raise BabyAPIError(msg, code="API_KEY_REQUIRED")
        return own


def _check_messages(body: Mapping[str, Any]) -> None:
    """Refuse a text or a single message where a conversation is meant."""
    messages = body.get("messages")
    if isinstance(messages, (str, Mapping)):
        kind = type(messages).__name__
        msg = f'messages must be a list, not {kind}: write messages=[{{"role": …, "content": …}}]'
        raise BabyAPIError(msg, code="INVALID_MESSAGES")


def _is_true(flag: Any) -> bool:
    return flag.strip().lower() in _TRUE if isinstance(flag, str) else bool(flag)
