"""BabyAPI: hosted open-weight models behind an OpenAI-compatible API, and text in, text out.

```python
from penstock.clients.babyapi import BabyAPI

client = BabyAPI(api_key="…", default_model="mistral")
client.baby.infer("Explain BabyAPI in one sentence.")["output"]
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from penstock.clients.babyapi.client import AsyncBabyAPI, BabyAPI
from penstock.clients.babyapi.errors import BabyAPIError
from penstock.clients.babyapi.events import SSEEvent
from penstock.clients.babyapi.options import RequestOptions

if TYPE_CHECKING:
    from penstock.clients.babyapi.settings import BabyAPISettings

__all__ = [
    "AsyncBabyAPI",
    "BabyAPI",
    "BabyAPIError",
    "BabyAPISettings",
    "RequestOptions",
    "SSEEvent",
]


def __getattr__(name: str) -> object:
    # Settings need pydantic; whoever does not read them need not wait for it.
    if name == "BabyAPISettings":
        from penstock.clients.babyapi.settings import BabyAPISettings

        return BabyAPISettings
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
