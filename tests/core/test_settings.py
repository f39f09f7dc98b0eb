"""Settings come from the environment, and a wrong one is named without being shown."""

from __future__ import annotations

import pytest

from workbench.core.errors import InvalidInputError
from workbench.core.settings import load_settings, settings_rows


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, _, _ in settings_rows():
        monkeypatch.delenv(variable, raising=False)


def test_nothing_needs_to_be_set() -> None:
    settings = load_settings()
    assert settings.provider == "rules"
    assert settings.openai_api_key is None


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_MODEL_VARIANT", "canary")
    monkeypatch.setenv("WORKBENCH_FT_SHARE", "0.25")
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", "")
    settings = load_settings()
    assert (settings.model_variant, settings.ft_share, settings.database_url) == ("canary", 0.25, None)


def test_secrets_do_not_show_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("WORKBENCH_DATABASE_URL", "postgresql://me:hidden@db/pieces")
    settings = load_settings()
    shown = f"{settings!r} {settings}"
    assert "very-secret" not in shown
    assert "hidden" not in shown
    assert settings.openai_api_key is not None
    assert settings.openai_api_key.get_secret_value() == "sk-very-secret"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WORKBENCH_FT_SHARE", "1.5"),
        ("WORKBENCH_FT_SHARE", "nan"),
        ("WORKBENCH_FT_SHARE", "much"),
        ("WORKBENCH_MODEL_VARIANT", "newest"),
        ("OPENAI_BASE_URL", "localhost:8000"),
        ("WORKBENCH_MODEL_FT_URL", "file:///etc/passwd"),
    ],
)
def test_an_impossible_value_is_named_but_not_shown(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(InvalidInputError) as caught:
        load_settings()
    assert caught.value.field == variable
    assert variable in caught.value.message
    assert "unset" in caught.value.hint
    assert value not in str(caught.value)
