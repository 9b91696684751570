"""What a product says in its class body, and what it is kept from saying."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from penstock.settings import EnvNames, Section, Settings, SettingsError

from .support import KEY, Acme, Place


def test_settings_are_a_pydantic_settings_model() -> None:
    """Everything that takes a pydantic-settings model takes ours."""
    assert issubclass(Settings, BaseSettings)
    schema = Settings.model_json_schema()
    assert set(schema["properties"]) == set(Settings.model_fields)


def test_the_prefix_gives_every_name(place: Place) -> None:
    """From one prefix follow the variables, the project's file, its table and the user's file."""

    class Big(Settings):
        model_config = SettingsConfigDict(env_prefix="BIG_CO_")

    assert Big.from_env(environ={"BIG_CO_RETRY__MAX_RETRIES": "5"}).retry.max_retries == 5
    for path in (
        place.home / ".config/big-co/config.toml",
        place.project / "pyproject.toml",
        place.project / "big-co.toml",
    ):
        text = "timeout = 5"
        place.write(path, f"[tool.big-co]\n{text}" if path.name == "pyproject.toml" else text)
        assert place.load(Big).explain()["timeout"].source.file == str(path)


def test_the_name_in_files_may_be_another(place: Place) -> None:
    """`config_name` renames all three places at once."""

    class Named(Acme):
        config_name = "ac-me"

    place.write("acme.toml", "timeout = 1")
    place.write("ac-me.toml", "timeout = 2")
    assert place.load(Named).timeout == 2.0


def test_a_product_brings_fields_and_defaults(place: Place) -> None:
    """A subclass has every setting, what it adds, and the checks of what it redeclares."""
    made = place.load(Acme, environ={"ACME_DEFAULT_MODEL": "fast", "ACME_TIMEOUT": "5"})
    assert (made.base_url, made.default_model, made.timeout) == (
        "https://api.acme.example",
        "fast",
        5.0,
    )
    assert made.explain()["base_url"].source.kind == "default"
    for bad in ({"base_url": "x"}, {"api_key": "a\n"}):
        with pytest.raises(SettingsError):
            Acme(**bad)


def test_an_application_may_extend_settings_under_the_same_names() -> None:
    """A subclass without a prefix of its own reads Penstock's variables."""

    class Mine(Settings):
        region: str = "eu"

    assert Mine.from_env(environ={"PENSTOCK_REGION": "us", "PENSTOCK_TIMEOUT": "3"}).given() == {
        "region": "us",
        "timeout": 3.0,
    }


class Changeable(BaseModel):
    """A model that is not frozen."""

    size: int = 1


class Deep(Section):
    """A table with a table that can change."""

    inner: Changeable = Changeable()


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "alias": ({"token": (str, Field(default="", validation_alias="T"))}, "an alias would hide"),
    "plain alias": ({"token": (str, Field(default="", alias="T"))}, "an alias would hide"),
    "required": ({"token": (SecretStr, ...)}, "give it a default"),
    "reserved": ({"profile": (str, "")}, "cannot be named 'profile'"),
    "reserved in files": ({"profiles": (str, "")}, "cannot be named 'profiles'"),
    "changeable": ({"pool": (Changeable, Changeable())}, "Changeable can change"),
    "deep": ({"pool": (Deep, Deep())}, "Changeable can change"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_body_that_would_not_do_what_it_says_is_refused(mistake: str) -> None:
    """Mistakes in a class body are told when the class is made."""
    fields, message = MISTAKES[mistake]
    body = {name: default for name, (_, default) in fields.items() if default is not ...}
    annotations = {name: annotation for name, (annotation, _) in fields.items()}
    with pytest.raises(TypeError, match=message):
        type("Wrong", (Settings,), {**body, "__annotations__": annotations, "__module__": __name__})


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"env_prefix": ""}, "needs an env_prefix"),
        ({"env_prefix": "acme_"}, "needs an env_prefix in upper case"),
        ({"env_file": ".env"}, "'env_file'. is not read here"),
        ({"secrets_dir": "/run/secrets"}, "'secrets_dir'. is not read here"),
        ({"env_nested_delimiter": "_"}, "'env_nested_delimiter'. is not read here"),
        ({"toml_file": "x.toml"}, "'toml_file'. is not read here"),
    ],
)
def test_options_that_are_not_read_are_refused(config: SettingsConfigDict, message: str) -> None:
    """pydantic-settings' own file and variable options would be ignored, so they are errors."""
    with pytest.raises(TypeError, match=message):
        type("Wrong", (Settings,), {"model_config": config, "__module__": __name__})


class Manager(PydanticBaseSettingsSource):
    """A secrets manager of the application's."""

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        return {"api_key": KEY, "timeout": 5, "retry": {"max_retries": 9}}


class Managed(Settings):
    """Settings with a source of the application's below the environment."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (
            init_settings,
            env_settings,
            Manager(settings_cls),
            dotenv_settings,
            file_secret_settings,
        )


def test_an_application_may_add_a_source(place: Place) -> None:
    """pydantic-settings' own hook puts a source anywhere in the order; only reading asks it."""
    place.user("timeout = 1\ndeadline = 2")
    made = place.load(Managed, environ={"PENSTOCK_RETRY__MAX_RETRIES": "3"})
    assert (made.timeout, made.deadline, made.retry.max_retries) == (5.0, 2.0, 3)
    assert made.explain()["api_key"].source.kind == "custom"
    assert made.explain()["api_key"].source.detail == "Manager"
    assert (Managed().timeout, made.replace(deadline=3).timeout) == (60.0, 5.0)


def test_our_layers_work_as_sources_of_pydantic_settings(place: Place) -> None:
    """A hook may read what a layer says."""
    seen: dict[str, Any] = {}

    class Nosy(Settings):
        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], **sources: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            seen.update({name: source() for name, source in sources.items()})
            field = cls.model_fields["timeout"]
            seen["timeout"] = sources["env_settings"].get_field_value(field, "timeout")
            return tuple(sources.values())

    place.write("penstock.toml", "[retry]\nmax_retries = 3")
    place.load(Nosy, environ={"PENSTOCK_TIMEOUT": "5"}, headers={"X-A": "a"})
    assert seen == {
        "init_settings": {"headers": {"X-A": "a"}},
        "env_settings": {"timeout": "5"},
        "dotenv_settings": {},
        "file_secret_settings": {"retry": {"max_retries": 3}},
        "timeout": ("5", "timeout", False),
    }


def test_a_class_made_before_its_names_exist_is_checked_at_first_use() -> None:
    """A field whose type comes later works once the type is there."""

    class Early(Settings):
        late: Late | None = None
        names: Annotated[str, EnvNames("EARLY")] = ""

    class Late(Section):
        size: int = 1

    Early.model_rebuild(_types_namespace={"Late": Late})
    assert Early.from_env(environ={"EARLY": "x"}).names == "x"
    assert Early(late={"size": 3}).late == Late(size=3)


def test_importing_penstock_does_not_import_pydantic() -> None:
    """Only `penstock.settings` pays for pydantic."""
    code = "import sys, penstock; print('pydantic' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"
