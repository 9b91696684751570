from __future__ import annotations

import subprocess
import sys
from typing import Any

import httpx
import httpx2
import pytest

from penstock.errors import ConfigurationError
from penstock.transport import family_of, httpx2_family, httpx_family


class Custom(httpx2.BaseTransport):
    """Somebody's own transport."""


def test_a_family_is_a_library_and_its_engine() -> None:
    """Each family names a library and the engine below it."""
    import httpcore
    import httpcore2

    assert (httpx_family().name, httpx_family().http, httpx_family().core) == (
        "httpx",
        httpx,
        httpcore,
    )
    assert (httpx2_family().name, httpx2_family().http, httpx2_family().core) == (
        "httpx2",
        httpx2,
        httpcore2,
    )


def test_a_family_is_one_object() -> None:
    """Asking again gives the same family."""
    assert httpx_family() is httpx_family()
    assert httpx2_family() is httpx2_family()
    assert httpx_family() != httpx2_family()


@pytest.mark.parametrize(
    ("obj", "name"),
    [
        (httpx.Request("GET", "http://a"), "httpx"),
        (httpx.MockTransport(lambda _: httpx.Response(200)), "httpx"),
        (httpx2.Request("GET", "http://a"), "httpx2"),
        (httpx2.Limits(), "httpx2"),
        (Custom(), "httpx2"),
    ],
)
def test_an_object_belongs_to_the_family_of_its_classes(obj: Any, name: str) -> None:
    """The family of an object is that of any class it derives from."""
    family = family_of(obj)
    assert family is not None
    assert family.name == name


def test_an_sdk_may_put_its_name_on_the_librarys_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class is its library's own whatever its `__module__` says: SDKs rename what they export."""
    monkeypatch.setattr(httpx2.BaseTransport, "__module__", "sdk")
    other = type("Other", (httpx2.BaseTransport,), {})
    assert family_of(other()) == httpx2_family()


@pytest.mark.parametrize("obj", [None, 1, "httpx", object(), sys])
def test_other_objects_belong_to_none(obj: Any) -> None:
    """What derives from neither library has no family."""
    assert family_of(obj) is None


def test_a_missing_library_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without httpx2, asking for its family says which extra to install."""
    httpx2_family.cache_clear()
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ConfigurationError, match=r"penstock\[httpx2\]"):
        httpx2_family()


def test_asking_imports_nothing() -> None:
    """Importing the package, and asking an object for its family, load no HTTP library."""
    code = (
        "import sys; from penstock.transport import Until, family_of; family_of(1);"
        "print([name for name in sys.modules if name.startswith(('httpx', 'httpcore'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_names_that_are_not_there() -> None:
    """The package's lazy names are those it lists."""
    import penstock.transport as package

    for name in package.__all__:
        assert getattr(package, name) is not None
    with pytest.raises(AttributeError):
        _ = package.Nonsense
