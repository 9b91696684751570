"""The demo's language model: it says back what it was told, a word for a token."""

from __future__ import annotations

import re
from dataclasses import dataclass

# When everything here was made, in Unix seconds: 2025-10-09T08:53:20Z.
CREATED = 1_760_000_000


def count_tokens(text: str) -> int:
    """Count the tokens of a text: its words."""
    return len(text.split())


def usage(prompt_tokens: int, completion_tokens: int) -> dict[str, int]:
    """Give a usage object as the OpenAI API does, in tokens."""
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
        "total_tokens": prompt_tokens + completion_tokens,
    }


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says.

    Attributes:
        tokens: The words, each with the space before it; joined they are the text.
        finish_reason: `stop`, or `length` when there was more to say.
    """

    tokens: tuple[str, ...]
    finish_reason: str

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.tokens)


def say(prompt: str, max_tokens: int | None) -> Answer:
    """Answer a prompt.

    Args:
        prompt: What the model is told.
        max_tokens: The most words it may say; `None` for no bound.

    Returns:
        `You said: ` and the prompt, cut after that many words.
    """
    tokens = tuple(re.findall(r"\s*\S+", f"You said: {prompt}"))
    kept = tokens[:max_tokens]
    return Answer(kept, "stop" if len(kept) == len(tokens) else "length")
