"""Penstock: the transport layer API clients are built on.

Every request flows down one visible stack of middleware to a transport; its response flows back up.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from penstock import logging as logging
    from penstock import telemetry as telemetry
    from penstock.alone import Alone as Alone
    from penstock.arguments import InsecureWarning as InsecureWarning
    from penstock.body import BodyEnd as BodyEnd
    from penstock.body import observe_body as observe_body
    from penstock.bulk import AsyncBulk as AsyncBulk
    from penstock.bulk import Bulk as Bulk
    from penstock.bulk import BulkRequest as BulkRequest
    from penstock.bulk import BulkResult as BulkResult
    from penstock.call import Attempt as Attempt
    from penstock.call import Call as Call
    from penstock.call import Key as Key
    from penstock.call import copy_request as copy_request
    from penstock.checks import check_settings as check_settings
    from penstock.choosing import choose_stack as choose_stack
    from penstock.client import AsyncClient as AsyncClient
    from penstock.client import Client as Client
    from penstock.clock import Clock as Clock
    from penstock.current_span import current_span_context as current_span_context
    from penstock.detached import BODY_LIMIT as BODY_LIMIT
    from penstock.detached import REQUEST_ID_HEADERS as REQUEST_ID_HEADERS
    from penstock.detached import DetachedResponse as DetachedResponse
    from penstock.detached import request_id_of as request_id_of
    from penstock.download import Download as Download
    from penstock.errors import AsyncOnlyError as AsyncOnlyError
    from penstock.errors import BadRequest as BadRequest
    from penstock.errors import CircuitOpen as CircuitOpen
    from penstock.errors import ClientClosed as ClientClosed
    from penstock.errors import ConfigurationError as ConfigurationError
    from penstock.errors import Conflict as Conflict
    from penstock.errors import ConnectionFailed as ConnectionFailed
    from penstock.errors import ContentTooLarge as ContentTooLarge
    from penstock.errors import DeadlineExceeded as DeadlineExceeded
    from penstock.errors import DecodeError as DecodeError
    from penstock.errors import Forbidden as Forbidden
    from penstock.errors import InvalidOption as InvalidOption
    from penstock.errors import NotAnEventStream as NotAnEventStream
    from penstock.errors import NotFound as NotFound
    from penstock.errors import PaginationError as PaginationError
    from penstock.errors import PaymentRequired as PaymentRequired
    from penstock.errors import PenstockError as PenstockError
    from penstock.errors import ProxyRefused as ProxyRefused
    from penstock.errors import RedirectError as RedirectError
    from penstock.errors import RequestTimeout as RequestTimeout
    from penstock.errors import ResponseTooLarge as ResponseTooLarge
    from penstock.errors import ServerError as ServerError
    from penstock.errors import ServiceUnavailable as ServiceUnavailable
    from penstock.errors import StatusError as StatusError
    from penstock.errors import StreamError as StreamError
    from penstock.errors import StreamEventError as StreamEventError
    from penstock.errors import StreamIdle as StreamIdle
    from penstock.errors import StreamInterrupted as StreamInterrupted
    from penstock.errors import StreamTooLarge as StreamTooLarge
    from penstock.errors import StreamTruncated as StreamTruncated
    from penstock.errors import TimedOut as TimedOut
    from penstock.errors import TooManyRequests as TooManyRequests
    from penstock.errors import Unauthorized as Unauthorized
    from penstock.errors import UnprocessableContent as UnprocessableContent
    from penstock.errors import UntrustedCertificate as UntrustedCertificate
    from penstock.errors import status_error as status_error
    from penstock.facts import AttemptEnded as AttemptEnded
    from penstock.facts import AttemptRecord as AttemptRecord
    from penstock.facts import AttemptStarted as AttemptStarted
    from penstock.facts import AuthRefreshed as AuthRefreshed
    from penstock.facts import CircuitChanged as CircuitChanged
    from penstock.facts import Redirected as Redirected
    from penstock.facts import RetryScheduled as RetryScheduled
    from penstock.facts import RetryStopped as RetryStopped
    from penstock.facts import SendEnded as SendEnded
    from penstock.headers import apply_headers as apply_headers
    from penstock.keywords import Keywords as Keywords
    from penstock.lines import one_line as one_line
    from penstock.messages import Request as Request
    from penstock.messages import Response as Response
    from penstock.options import REMOVE as REMOVE
    from penstock.options import UNSET as UNSET
    from penstock.options import HeaderValue as HeaderValue
    from penstock.options import RequestOptions as RequestOptions
    from penstock.options import TimeoutValue as TimeoutValue
    from penstock.pages import AsyncPages as AsyncPages
    from penstock.pages import Cursor as Cursor
    from penstock.pages import LinkHeader as LinkHeader
    from penstock.pages import NextURL as NextURL
    from penstock.pages import Offset as Offset
    from penstock.pages import Page as Page
    from penstock.pages import PageNumber as PageNumber
    from penstock.pages import PageRequest as PageRequest
    from penstock.pages import Pages as Pages
    from penstock.pages import paginate as paginate
    from penstock.parsing import json_of as json_of
    from penstock.parsing import parse as parse
    from penstock.redact import REDACTED as REDACTED
    from penstock.redact import Secret as Secret
    from penstock.redact import safe_header as safe_header
    from penstock.redact import safe_text as safe_text
    from penstock.redact import safe_url as safe_url
    from penstock.redact import scrub as scrub
    from penstock.runtime import Runtime as Runtime
    from penstock.scope import Scope as Scope
    from penstock.sdk import API as API
    from penstock.sdk import CLIENT_ARGUMENTS as CLIENT_ARGUMENTS
    from penstock.sdk import Async as Async
    from penstock.sdk import AsyncAPI as AsyncAPI
    from penstock.sdk import AsyncItemPages as AsyncItemPages
    from penstock.sdk import AsyncItemStream as AsyncItemStream
    from penstock.sdk import BaseAPI as BaseAPI
    from penstock.sdk import Colour as Colour
    from penstock.sdk import Failures as Failures
    from penstock.sdk import ItemPages as ItemPages
    from penstock.sdk import Items as Items
    from penstock.sdk import ItemStream as ItemStream
    from penstock.sdk import ListModel as ListModel
    from penstock.sdk import Model as Model
    from penstock.sdk import RawResponse as RawResponse
    from penstock.sdk import Resource as Resource
    from penstock.sdk import Sync as Sync
    from penstock.sdk import add_middleware as add_middleware
    from penstock.sdk import operation as operation
    from penstock.sdk import overloaded as overloaded
    from penstock.sdk import plain as plain
    from penstock.sdk import streamed as streamed
    from penstock.sdk import streaming_as as streaming_as
    from penstock.settings import EnvNames as EnvNames
    from penstock.settings import FileKeys as FileKeys
    from penstock.settings import RetrySettings as RetrySettings
    from penstock.settings import Settings as Settings
    from penstock.settings import SettingsError as SettingsError
    from penstock.settings import SettingsWarning as SettingsWarning
    from penstock.stack import Middleware as Middleware
    from penstock.stack import Next as Next
    from penstock.stack import Stack as Stack
    from penstock.stack import on_request as on_request
    from penstock.stack import on_response as on_response
    from penstock.streaming.event import Event as Event
    from penstock.streaming.observing import EventObserver as EventObserver
    from penstock.streaming.observing import observe_events as observe_events
    from penstock.streaming.stream import AsyncEventStream as AsyncEventStream
    from penstock.streaming.stream import EventStream as EventStream
    from penstock.transport.beneath_httpx import AsyncHttpxTransport as AsyncHttpxTransport
    from penstock.transport.beneath_httpx import HttpxTransport as HttpxTransport
    from penstock.transport.beneath_httpx2 import AsyncHttpx2Transport as AsyncHttpx2Transport
    from penstock.transport.beneath_httpx2 import Httpx2Transport as Httpx2Transport
    from penstock.transport.limits import Limits as Limits
    from penstock.transport.repeats import NestedRetriesWarning as NestedRetriesWarning
    from penstock.transport.until import Until as Until
    from penstock.urls import Origin as Origin
    from penstock.urls import origin_of as origin_of

__version__ = "0.1.0"

_HOMES = {
    "alone": ["Alone"],
    "arguments": ["InsecureWarning"],
    "body": ["BodyEnd", "observe_body"],
    "bulk": ["AsyncBulk", "Bulk", "BulkRequest", "BulkResult"],
    "call": ["Attempt", "Call", "Key", "copy_request"],
    "checks": ["check_settings"],
    "choosing": ["choose_stack"],
    "client": ["AsyncClient", "Client"],
    "clock": ["Clock"],
    "current_span": ["current_span_context"],
    "detached": ["BODY_LIMIT", "REQUEST_ID_HEADERS", "DetachedResponse", "request_id_of"],
    "download": ["Download"],
    "errors": [
        "AsyncOnlyError",
        "BadRequest",
        "CircuitOpen",
        "ClientClosed",
        "ConfigurationError",
        "Conflict",
        "ConnectionFailed",
        "ContentTooLarge",
        "DeadlineExceeded",
        "DecodeError",
        "Forbidden",
        "InvalidOption",
        "NotAnEventStream",
        "NotFound",
        "PaginationError",
        "PaymentRequired",
        "PenstockError",
        "ProxyRefused",
        "RedirectError",
        "RequestTimeout",
        "ResponseTooLarge",
        "ServerError",
        "ServiceUnavailable",
        "StatusError",
        "StreamError",
        "StreamEventError",
        "StreamIdle",
        "StreamInterrupted",
        "StreamTooLarge",
        "StreamTruncated",
        "TimedOut",
        "TooManyRequests",
        "Unauthorized",
        "UnprocessableContent",
        "UntrustedCertificate",
        "status_error",
    ],
    "facts": [
        "AttemptEnded",
        "AttemptRecord",
        "AttemptStarted",
        "AuthRefreshed",
        "CircuitChanged",
        "Redirected",
        "RetryScheduled",
        "RetryStopped",
        "SendEnded",
    ],
    "headers": ["apply_headers"],
    "keywords": ["Keywords"],
    "lines": ["one_line"],
    "messages": ["Request", "Response"],
    "options": ["REMOVE", "UNSET", "HeaderValue", "RequestOptions", "TimeoutValue"],
    "pages": [
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
    ],
    "parsing": ["json_of", "parse"],
    "redact": ["REDACTED", "Secret", "safe_header", "safe_text", "safe_url", "scrub"],
    "runtime": ["Runtime"],
    "scope": ["Scope"],
    "sdk": [
        "API",
        "CLIENT_ARGUMENTS",
        "Async",
        "AsyncAPI",
        "AsyncItemPages",
        "AsyncItemStream",
        "BaseAPI",
        "Colour",
        "Failures",
        "ItemPages",
        "ItemStream",
        "Items",
        "ListModel",
        "Model",
        "RawResponse",
        "Resource",
        "Sync",
        "add_middleware",
        "operation",
        "overloaded",
        "plain",
        "streamed",
        "streaming_as",
    ],
    "settings": [
        "EnvNames",
        "FileKeys",
        "RetrySettings",
        "Settings",
        "SettingsError",
        "SettingsWarning",
    ],
    "stack": ["Middleware", "Next", "Stack", "on_request", "on_response"],
    "streaming.event": ["Event"],
    "streaming.observing": ["EventObserver", "observe_events"],
    "streaming.stream": ["AsyncEventStream", "EventStream"],
    "transport.beneath_httpx": ["AsyncHttpxTransport", "HttpxTransport"],
    "transport.beneath_httpx2": ["AsyncHttpx2Transport", "Httpx2Transport"],
    "transport.limits": ["Limits"],
    "transport.repeats": ["NestedRetriesWarning"],
    "transport.until": ["Until"],
    "urls": ["Origin", "origin_of"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

_MODULES = {"logging", "telemetry"}  # for applications: `penstock.telemetry.configure(…)`

__all__ = [*sorted([*_HOME_OF, "__version__"])]  # noqa: PLE0604 - the table holds the names


def __getattr__(name: str) -> object:
    # Loaded when first asked for (PEP 562): importing Penstock costs next to nothing.
    if name in _MODULES:
        return importlib.import_module(f"penstock.{name}")
    if name not in _HOME_OF:
        msg = f"module 'penstock' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"penstock.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *_HOME_OF]
