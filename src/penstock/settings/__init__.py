"""Settings from arguments, environment, files and profiles, each value with its source.

Importing this package imports pydantic; `import penstock` alone does not.
"""

from penstock.settings.discovery import FileLookup
from penstock.settings.errors import Problem, SettingsError, SettingsWarning
from penstock.settings.explain import Explained, Explanation, Shadowed
from penstock.settings.frozen import Section
from penstock.settings.model import (
    LoggingSettings,
    RetrySettings,
    Settings,
    TracingSettings,
)
from penstock.settings.schema import EnvNames, FileKeys
from penstock.settings.source import Source, SourceKind

__all__ = [
    "EnvNames",
    "Explained",
    "Explanation",
    "FileKeys",
    "FileLookup",
    "LoggingSettings",
    "Problem",
    "RetrySettings",
    "Section",
    "Settings",
    "SettingsError",
    "SettingsWarning",
    "Shadowed",
    "Source",
    "SourceKind",
    "TracingSettings",
]
