"""Bulk work: many requests, a few at a time, each with a result of its own."""

from __future__ import annotations

from penstock.bulk.requests import BulkRequest
from penstock.bulk.results import BulkResult
from penstock.bulk.tasks import AsyncBulk
from penstock.bulk.threads import Bulk
from penstock.bulk.work import Work

__all__ = ["AsyncBulk", "Bulk", "BulkRequest", "BulkResult", "Work"]
