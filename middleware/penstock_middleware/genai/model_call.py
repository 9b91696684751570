"""A call of a model that is watched, to the end of its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock_middleware.genai import names
from penstock_middleware.genai.content import as_texts
from penstock_middleware.outcome import OK
from penstock_middleware.tracing.live_span import EndOfBody

if TYPE_CHECKING:
    from penstock import BodyEnd, Call, Event
    from penstock_middleware.genai.answered import Answer
    from penstock_middleware.genai.content import Said
    from penstock_middleware.outcome import Outcome
    from penstock_middleware.tracing.live_span import LiveSpan


class ModelCall:
    """A call of a model that is watched: its span, and what the answer tells.

    Args:
        span: The span.
        call: The call.
        answer: Gathers what the answer tells.
        said: Gathers what it says, or None where nobody may know.
        on_span: Whether that is told on the span.
        gaps: Where the seconds between its chunks are gathered, or None if they are not.

    Attributes:
        span: As above.
        gaps: As above.
    """

    __slots__ = ("_answer", "_call", "_on_span", "_said", "gaps", "span")

    def __init__(
        self,
        span: LiveSpan,
        call: Call,
        answer: Answer,
        said: Said | None,
        *,
        on_span: bool,
        gaps: list[float] | None,
    ) -> None:
        self.span = span
        self.gaps = gaps
        self._call = call
        self._answer = answer
        self._said = said
        self._on_span = on_span

    def take(self, document: Any) -> None:
        """Note an answer, or the next chunk of it; what is no JSON object tells nothing."""
        if isinstance(document, dict):
            self._answer.take(document)
            if self._said is not None:
                self._said.take(document)

    def told(self, *, failed: bool = False) -> dict[str, Any]:
        """Return the attributes of what the answer told, and, for the span, said.

        Args:
            failed: As of `Answer.attributes`.
        """
        told = self._answer.attributes(failed=failed)
        if self._said is None or not self._on_span:
            return told
        return told | as_texts(self._said.by_model(), self._call.scope.secrets)

    def until_its_end(self, head: Outcome, attributes: dict[str, Any]) -> EndOfAnswer:
        """Return the observer of a stream's events that ends the span with them.

        Args:
            head: How the head of the response left it.
            attributes: What is known now.
        """
        return EndOfAnswer(self, self._call, head, attributes)


class EndOfAnswer:
    """Ends the span of a streamed answer when the answer does.

    Args:
        model_call: The call of a model.
        call: The call.
        head: How the head of the response left it.
        attributes: What is known now.
    """

    __slots__ = (
        "_attributes",
        "_call",
        "_end",
        "_first_at",
        "_gaps",
        "_is_answer",
        "_last_at",
        "_model_call",
    )

    def __init__(
        self, model_call: ModelCall, call: Call, head: Outcome, attributes: dict[str, Any]
    ) -> None:
        self._model_call = model_call
        self._call = call
        self._attributes = attributes
        self._end = EndOfBody(model_call.span, call, head, attributes)
        self._is_answer = head is OK
        self._first_at: float | None = None
        self._last_at = 0.0
        self._gaps = model_call.gaps

    def event(self, event: Event) -> None:
        """Note a chunk."""
        if self._first_at is None:
            self._first_at = self._last_at = self._call.runtime.now()
        elif self._gaps is not None and not event.done:
            now = self._call.runtime.now()
            self._gaps.append(now - self._last_at)
            self._last_at = now
        self._model_call.take(event.data)

    def end(self, end: BodyEnd) -> None:
        """End the span."""
        first_at = self._first_at
        if first_at is None and end.error is None:
            first_at = end.first_at  # somebody reads the bytes
        if first_at is not None and self._is_answer:
            self._attributes[names.FIRST_CHUNK] = first_at - self._model_call.span.started
        self._attributes |= self._model_call.told(failed=end.error is not None)
        self._end(end)
