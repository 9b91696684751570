"""Lists that come in pages: `paginate`, and the rules that say where the next page is.

How it is cut: a rule is a function from a `Page` to the `PageRequest` that follows it; `Walk` keeps
account of what was asked and never sends anything; the iterators of both colours only send what it
says.
"""

from __future__ import annotations

from penstock.pages.iterators import AsyncPages, Pages, paginate
from penstock.pages.page import Page, PageRequest
from penstock.pages.rules import Cursor, LinkHeader, NextURL, Offset, PageNumber

__all__ = [
    "AsyncPages",
    "Cursor",
    "LinkHeader",
    "NextURL",
    "Offset",
    "Page",
    "PageNumber",
    "PageRequest",
    "Pages",
    "paginate",
]
