"""A client of Bayt, where prompts are kept.

```python
from penstock.clients.bayt import BaytClient

client = BaytClient()
prompt = client.get_prompt("@workspace/support:v1")
print(prompt.system, prompt.interpolate(name="Ada"))
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.clients.bayt.client import AsyncBaytClient, BaytClient
from penstock.clients.bayt.contexts import ContextItem, DownloadURL
from penstock.clients.bayt.errors import (
    BaytAPIError,
    BaytAuthError,
    BaytNotFoundError,
    BaytRateLimitError,
    BaytValidationError,
)
from penstock.clients.bayt.prompts import Prompt, PromptPage
from penstock.clients.bayt.variables import interpolate

if TYPE_CHECKING:
    from penstock.clients.bayt.settings import BaytSettings

__all__ = [
    "AsyncBaytClient",
    "BaytAPIError",
    "BaytAuthError",
    "BaytClient",
    "BaytNotFoundError",
    "BaytRateLimitError",
    "BaytSettings",
    "BaytValidationError",
    "ContextItem",
    "DownloadURL",
    "Prompt",
    "PromptPage",
    "interpolate",
]


def __getattr__(name: str) -> object:
    # Settings need pydantic; whoever reads none need not wait for it.
    if name == "BaytSettings":
        from penstock.clients.bayt.settings import BaytSettings

        return BaytSettings
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
