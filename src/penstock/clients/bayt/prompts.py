"""Prompts, and lists of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from penstock.clients.bayt.contexts import ContextItem
from penstock.clients.bayt.model import BaytModel
from penstock.clients.bayt.naming import parse_package_name
from penstock.clients.bayt.variables import interpolate, problems_with, variables_in

if TYPE_CHECKING:
    from collections.abc import Mapping


class Prompt(BaytModel):
    """A prompt: its texts, what it is called, and what belongs to it.

    Attributes:
        description: What its author says of it.
    """

    __slots__ = ()

    description: str | None

    @property
    def id(self) -> str:
        """Bayt's id for it."""
        return self._text("id")

    @property
    def title(self) -> str:
        """Its title."""
        return self._text("title")

    @property
    def content(self) -> str:
        """The main text, the same as `generator`."""
        return self._text("content")

    @property
    def generator(self) -> str:
        """The main text, for the model that answers."""
        return self._text("content")

    @property
    def system(self) -> str:
        """The system prompt; empty if it has none."""
        return self._text("systemPrompt")

    @property
    def critique(self) -> str:
        """The text for judging an answer; empty if it has none."""
        return self._text("critiquePrompt")

    @property
    def version_content(self) -> dict[str, Any] | None:
        """The texts as they were written, if Bayt sends them beside those it filled in."""
        return self._data.get("versionContent")

    @property
    def category(self) -> str:
        """Its category."""
        return self._text("category")

    @property
    def namespace(self) -> str:
        """The workspace it belongs to: `support` of `@support/greeting:v1`."""
        named = parse_package_name(self._data.get("packageName"))
        return self._text("workspaceSlug", "" if named is None else named.namespace)

    @property
    def slug(self) -> str:
        """What it is called there: `greeting` of `@support/greeting:v1`."""
        named = parse_package_name(self._data.get("packageName"))
        return self._text("packageName") if named is None else named.slug

    @property
    def version(self) -> str:
        """`v0` for the draft, `v1` and on for what was published."""
        return self._text("version", "v0")

    @property
    def is_draft(self) -> bool:
        """Whether it is the draft."""
        return self.version == "v0" or bool(self._data.get("is_draft"))

    @property
    def package_name(self) -> str:
        """Its whole name, as `get_prompt` takes it."""
        return f"@{self.namespace}/{self.slug}:{self.version}"

    @property
    def context(self) -> list[ContextItem]:
        """The files and URLs that belong to it."""
        return [ContextItem(item) for item in self._data.get("context") or ()]

    def __getitem__(self, key: str) -> Any:
        return self.context if key == "context" else super().__getitem__(key)

    def keys(self) -> list[str]:  # type: ignore[override]  # lists, as Bayt's own package has them
        """Return the names of what Bayt sent."""
        return list(self._data)

    def values(self) -> list[Any]:
        """Return what Bayt sent."""
        return [self[key] for key in self._data]

    def items(self) -> list[tuple[str, Any]]:
        """Return what Bayt sent, with names."""
        return [(key, self[key]) for key in self._data]

    def get_file_contexts(self) -> list[ContextItem]:
        """Return the files that belong to it."""
        return [item for item in self.context if item.is_file()]

    def get_url_contexts(self) -> list[ContextItem]:
        """Return the URLs that belong to it."""
        return [item for item in self.context if item.is_url()]

    def has_context(self) -> bool:
        """Tell whether any file or URL belongs to it."""
        return bool(self._data.get("context"))

    def has_system_prompt(self) -> bool:
        """Tell whether it has a system prompt."""
        return bool(self.system)

    def has_critique_prompt(self) -> bool:
        """Tell whether it has a text for judging answers."""
        return bool(self.critique)

    def extract_variables(self) -> list[dict[str, str]]:
        """Return the variables of all its texts, in order.

        Returns:
            For each its `name`, and `type` and `description` if it has them.
        """
        return [variable.to_dict() for variable in variables_in(self._texts())]

    def validate_variables(self, provided_variables: Mapping[str, Any]) -> dict[str, str]:
        """Return what is wrong with values for its variables.

        Args:
            provided_variables: The values by name.

        Returns:
            A message for each name that is missing, unexpected or of another type; empty if all is
            well.
        """
        return problems_with(provided_variables, variables_in(self._texts()))

    def interpolate(
        self,
        variables: Mapping[str, Any] | None = None,
        /,
        *,
        template: str | None = None,
        **values: Any,
    ) -> str:
        """Return a text of it with values in the place of its variables.

        Lists and dicts go in as JSON, everything else as its `str()`. A variable without a value
        stays as it stands, and what goes in is not looked at again.

        Args:
            variables: The values by name.
            template: The text: `prompt.system`, say. `content` unless given.
            **values: More values; they win.
        """
        given = {**(variables or {}), **values}
        return interpolate(self.content if template is None else template, given)

    def _texts(self) -> list[str]:
        written = self.version_content
        if not written or not isinstance(written, dict):
            return [self.generator, self.system, self.critique]
        parts = (written.get(name) for name in ("content", "systemPrompt", "critiquePrompt"))
        return [str(part) for part in parts if part]

    def __repr__(self) -> str:
        return f"<Prompt {self.title!r} {self.package_name}>"

    def __str__(self) -> str:
        return self.title


class PromptPage(BaytModel):
    """One page of a list of prompts.

    Attributes:
        prompts: The prompts.
        cursor: What asks for the page after it.
    """

    __slots__ = ()

    prompts: list[Prompt]
    cursor: str | None

    @property
    def has_more(self) -> bool:
        """Whether there is a page after it: `hasMore`."""
        return bool(self._data.get("hasMore"))
