"""What comes back: completions, models, endpoints and tasks."""

from __future__ import annotations

from penstock import ListModel, Model


class Usage(Model):
    """How many tokens a completion took."""

    prompt_tokens: int | None
    completion_tokens: int | None
    total_tokens: int | None


class Message(Model):
    """What is said, and who says it; in a stream, the next piece of it."""

    role: str | None
    content: str | None


class Choice(Model, absent={"message": lambda: Message({}), "delta": lambda: Message({})}):
    """One answer: in a completion its `message`, in a chunk the `delta` that comes next."""

    index: int | None
    finish_reason: str | None
    message: Message
    delta: Message


class ChatCompletion(Model, absent={"choices": list, "usage": lambda: Usage({})}):
    """The answer to a chat: `completion.choices[0].message.content`."""

    id: str | None
    model: str | None
    created: int | None
    choices: list[Choice]
    usage: Usage


class ChatCompletionChunk(ChatCompletion):
    """One piece of a streamed answer: `chunk.choices[0].delta.content`."""


class ModelInfo(Model):
    """A model that can be called: its `id` is that of an endpoint."""

    id: str | None
    owned_by: str | None
    created: int | None


class ModelList(ListModel[ModelInfo], absent={"data": list}):
    """The models that can be called: iterable and sized, with `data`."""

    data: list[ModelInfo]

    def __bool__(self) -> bool:
        return len(self) > 0


class Endpoint(Model):
    """A deployed model. Its `id` is what `chat.completions.create` takes as `model`.

    Attributes:
        name: Its name.
        model: The task's public alias for the model it serves.
        status: Such as `live` or `stopped`.
        url: Where it is served.
    """

    name: str | None
    model: str | None
    status: str | None
    url: str | None

    @property
    def id(self) -> str | None:
        """Its id, which is its name where the server gives no other."""
        given: str | None = self.get("id") or self.name
        return given

    @property
    def task(self) -> str | None:
        """The task it was deployed for."""
        given: str | None = self.get("taskName") or self.get("task")
        return given

    @property
    def is_live(self) -> bool:
        """Whether it answers."""
        return self.status == "live"


class Task(Model, absent={"has_blob_input": bool}):
    """A task of the catalog.

    Attributes:
        id: Its id.
        default_scorer: How answers are scored unless told otherwise.
        has_blob_input: Whether its inputs hold documents: see `evals.sets.upload_document`.
    """

    id: str | None
    default_scorer: str | None
    has_blob_input: bool


class TaskMatchCandidate(Model):
    """A task that fits what was asked for, and how well."""

    task_id: str | None
    score: float | None
    confidence: str | None


class TaskMatch(Model, absent={"matched": bool, "candidates": list, "ambiguous": bool}):
    """Which tasks fit what was asked for.

    Attributes:
        query: What was asked for.
        matched: Whether any fits.
        chosen: The one that fits best, or None.
        candidates: All that fit, best first.
        ambiguous: Whether others fit about as well.
        matcher: What matched them.
    """

    query: str | None
    matched: bool
    chosen: TaskMatchCandidate | None
    candidates: list[TaskMatchCandidate]
    ambiguous: bool
    matcher: str | None


class LeaderboardEntry(Model):
    """How one model does on a task.

    Attributes:
        name: The task's public alias for it.
        kind: `open` or `frontier`.
        quality: Its score, by the leaderboard's `metric`.
        cost_per_request_micro_usd: Millionths of a dollar.
        context_k: Its context, in thousands of tokens.
        run_mode: How it was run.
    """

    name: str | None
    kind: str | None
    quality: float | None
    cost_per_request_micro_usd: int | None
    context_k: int | None
    run_mode: str | None


class Leaderboard(Model, absent={"models": list}):
    """The models of a task, best first.

    Attributes:
        task_id: The task.
        metric: What `quality` measures.
        cost_unit: What costs are counted in.
        recommended: The model `endpoints.deploy` takes unless told otherwise.
        models: The models.
        frontier: The frontier model that savings are measured by, or None.
    """

    task_id: str | None
    metric: str | None
    cost_unit: str | None
    recommended: str | None
    models: list[LeaderboardEntry]
    frontier: LeaderboardEntry | None
