"""GenAI: the span of a call of a model, with what was asked, what it took, and what it cost."""

from penstock_middleware.genai.calls import GenAI

__all__ = ["GenAI"]
