"""A client of Pareta: inference, endpoints, the catalog of tasks, evaluations.

```python
from penstock.clients.pareta import Pareta

pa = Pareta.from_env()  # PARETA_API_KEY
pa.chat.completions.create(model="ep_…", messages=[{"role": "user", "content": "Hello"}])
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.clients.pareta.client import AsyncPareta, Pareta
from penstock.clients.pareta.endpoints import DeployEvent
from penstock.clients.pareta.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ConflictError,
    EndpointNotReadyError,
    InsufficientCreditsError,
    NotFoundError,
    ParetaError,
    PermissionDeniedError,
    RateLimitError,
)
from penstock.clients.pareta.eval_objects import EvalResult, EvalRun, EvalSet, FrontierModel
from penstock.clients.pareta.objects import (
    ChatCompletion,
    ChatCompletionChunk,
    Choice,
    Endpoint,
    Leaderboard,
    LeaderboardEntry,
    Message,
    ModelInfo,
    ModelList,
    Task,
    TaskMatch,
    TaskMatchCandidate,
    Usage,
)
from penstock.clients.pareta.policy import standard_stack

if TYPE_CHECKING:
    from penstock.clients.pareta.settings import ParetaSettings

Model = ModelInfo
"""The pareta package's name for it."""

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "AsyncPareta",
    "AuthenticationError",
    "BadRequestError",
    "ChatCompletion",
    "ChatCompletionChunk",
    "Choice",
    "ConflictError",
    "DeployEvent",
    "Endpoint",
    "EndpointNotReadyError",
    "EvalResult",
    "EvalRun",
    "EvalSet",
    "FrontierModel",
    "InsufficientCreditsError",
    "Leaderboard",
    "LeaderboardEntry",
    "Message",
    "Model",
    "ModelInfo",
    "ModelList",
    "NotFoundError",
    "Pareta",
    "ParetaError",
    "ParetaSettings",
    "PermissionDeniedError",
    "RateLimitError",
    "Task",
    "TaskMatch",
    "TaskMatchCandidate",
    "Usage",
    "standard_stack",
]


def __getattr__(name: str) -> object:
    # Settings need pydantic; whoever does not read the environment need not wait for it.
    if name == "ParetaSettings":
        from penstock.clients.pareta.settings import ParetaSettings

        return ParetaSettings
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
