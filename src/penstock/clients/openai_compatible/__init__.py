"""A client of OpenAI-compatible APIs: OpenAI, vLLM, llama.cpp, gateways.

```python
from penstock.clients.openai_compatible import OpenAICompatible

client = OpenAICompatible("http://localhost:8000", api_key=None)
client.chat.completions.create(model="…", messages=[{"role": "user", "content": "Hello"}])
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.clients.openai_compatible.client import AsyncOpenAICompatible, OpenAICompatible
from penstock.clients.openai_compatible.errors import (
    APIConnectionError,
    APIError,
    APIResponseValidationError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    InternalServerError,
    NotFoundError,
    OpenAIError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)
from penstock.clients.openai_compatible.gathering import Gathering
from penstock.clients.openai_compatible.objects import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessage,
    Completion,
    CompletionUsage,
    CreateEmbeddingResponse,
    Embedding,
    ModelInfo,
    ModelList,
    RerankResponse,
    RerankResult,
    ToolCall,
)
from penstock.clients.openai_compatible.streams import (
    AsyncChatStream,
    AsyncTextStream,
    ChatStream,
    TextStream,
)

if TYPE_CHECKING:
    from penstock.clients.openai_compatible.settings import OpenAISettings

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIResponseValidationError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncChatStream",
    "AsyncOpenAICompatible",
    "AsyncTextStream",
    "AuthenticationError",
    "BadRequestError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "ChatCompletionMessage",
    "ChatStream",
    "Completion",
    "CompletionUsage",
    "ConflictError",
    "CreateEmbeddingResponse",
    "Embedding",
    "Gathering",
    "InternalServerError",
    "ModelInfo",
    "ModelList",
    "NotFoundError",
    "OpenAICompatible",
    "OpenAIError",
    "OpenAISettings",
    "PermissionDeniedError",
    "RateLimitError",
    "RerankResponse",
    "RerankResult",
    "TextStream",
    "ToolCall",
    "UnprocessableEntityError",
]


def __getattr__(name: str) -> object:
    # Settings need pydantic; whoever does not read the environment need not wait for it.
    if name == "OpenAISettings":
        from penstock.clients.openai_compatible.settings import OpenAISettings

        return OpenAISettings
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
