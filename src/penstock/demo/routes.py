"""The route table: every path the server answers, one file of handlers for each API family."""

from __future__ import annotations

from penstock.demo import (
    babyapi,
    bayt_api,
    chat,
    completions,
    models,
    pages,
    plain,
    signed,
    vectors,
)
from penstock.demo.pareta_api import Endpoints
from penstock.demo.pareta_evals import Evals
from penstock.demo.routing import Route

_ANY = "GET POST PUT PATCH DELETE OPTIONS"

ROUTES = (
    # OpenAI-compatible
    Route("POST", "/v1/chat/completions", chat.create),
    Route("POST", "/v1/completions", completions.create),
    Route("POST", "/v1/embeddings", vectors.embed),
    Route("POST", "/v1/rerank", vectors.rerank),
    Route("GET", "/v1/models", models.every),
    Route("GET", "/v1/models/{id}", models.one),
    # BabyAPI
    Route("POST", "/infer", babyapi.infer),
    # Bayt
    Route("POST", "/v1/prompts/get", bayt_api.get),
    Route("GET", "/v1/prompts", bayt_api.every),
    Route("GET", "/api/v1/prompts/context/download-url", bayt_api.download_url),
    # The storage that signed URLs lead to
    Route("GET", signed.FOLDER + "{name}", signed.read),
    Route("PUT", signed.FOLDER + "{name}", signed.write),
    # Plain HTTP, for whoever tries out a client
    Route(_ANY, "/status/{code}", plain.status),
    Route(_ANY, "/echo", plain.echo),
    Route(_ANY, "/redirect/{count}", plain.redirect_chain),
    Route(_ANY, "/redirect-to", plain.redirect_to),
    Route(_ANY, "/slow", plain.slow),
    Route("GET", "/file/{size}", plain.file),
    Route("GET", "/ndjson", plain.json_lines),
    Route("GET", "/items", pages.by_cursor),
    Route("GET", "/pages", pages.by_link),
    Route("GET", "/offset", pages.by_offset),
)


def routes() -> tuple[Route, ...]:
    """Give the routes of one server. Pareta's remember what was made on it."""
    return (*ROUTES, *Endpoints().routes(), *Evals().routes())
