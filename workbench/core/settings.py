"""Settings: one class for every environment variable that the workbench reads.

The README's table is generated from it (``python scripts/settings_table.py``), and a test keeps the two in step.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from workbench.core.errors import InvalidInputError


def _variable(name: str) -> AliasChoices:
    return AliasChoices(name)


class Settings(BaseSettings):
    """What can be set from outside. Nothing needs to be: the defaults need no key, no network and no server.

    An empty variable counts as not set. Secrets are held so that neither logs nor tracebacks show them.
    """

    model_config = SettingsConfigDict(
        extra="ignore", frozen=True, env_ignore_empty=True, case_sensitive=True, hide_input_in_errors=True
    )

    provider: str = Field(
        default="rules",
        max_length=60,
        validation_alias=_variable("WORKBENCH_PROVIDER"),
        description="Who composes: `rules` is built in, `openai` is any endpoint that speaks OpenAI's protocol.",
    )
    model_variant: Literal["base", "ft", "canary"] | None = Field(
        default=None,
        validation_alias=_variable("WORKBENCH_MODEL_VARIANT"),
        description="Which model answers, whatever Fine-tune says: `base`, the fine-tuned one (`ft`), or each some "
        "requests (`canary`). Not set: what is live and canary on Fine-tune, else the base model.",
    )
    model_base: str | None = Field(
        default=None,
        max_length=200,
        validation_alias=_variable("WORKBENCH_MODEL_BASE"),
        description="The base model's id, as its provider writes it.",
    )
    model_ft: str | None = Field(
        default=None,
        max_length=200,
        validation_alias=_variable("WORKBENCH_MODEL_FT"),
        description="The fine-tuned model's id, as its provider writes it.",
    )
    model_ft_url: str | None = Field(
        default=None,
        max_length=500,
        validation_alias=_variable("WORKBENCH_MODEL_FT_URL"),
        description="Where the model of `WORKBENCH_MODEL_FT` answers, if not at `OPENAI_BASE_URL`.",
    )
    model_ft_key: SecretStr | None = Field(
        default=None,
        validation_alias=_variable("WORKBENCH_MODEL_FT_KEY"),
        description="The key for `WORKBENCH_MODEL_FT_URL`; it is sent nowhere else.",
    )
    ft_share: float = Field(
        default=0.1,
        ge=0,
        le=1,
        allow_inf_nan=False,
        validation_alias=_variable("WORKBENCH_FT_SHARE"),
        description="With `canary`, where Fine-tune has none: the share of requests, 0 to 1, for the fine-tuned model.",
    )
    model_timeout: float = Field(
        default=180.0,
        gt=0,
        le=3600,
        allow_inf_nan=False,
        validation_alias=_variable("WORKBENCH_MODEL_TIMEOUT"),
        description="Seconds that a model may take for one answer.",
    )
    model_concurrency: int = Field(
        default=16,
        ge=1,
        le=1000,
        validation_alias=_variable("WORKBENCH_MODEL_CONCURRENCY"),
        description="How many answers are asked of the endpoint at the same time; more wait their turn.",
    )
    model_reasks: int = Field(
        default=2,
        ge=0,
        le=5,
        validation_alias=_variable("WORKBENCH_MODEL_REASKS"),
        description="How often a model is asked again, with the findings, before the rules step in.",
    )
    model_examples: int = Field(
        default=2,
        ge=0,
        le=3,
        validation_alias=_variable("WORKBENCH_MODEL_EXAMPLES"),
        description="How many examples, 0 to 3, a prompt shows.",
    )
    example_tokens: int = Field(
        default=9000,
        ge=0,
        le=1_000_000,
        validation_alias=_variable("WORKBENCH_EXAMPLE_TOKENS"),
        description="How many tokens the examples of a prompt may take together.",
    )
    retrieval_weights: str = Field(
        default="",
        max_length=300,
        validation_alias=_variable("WORKBENCH_RETRIEVAL_WEIGHTS"),
        description="How examples are chosen where not as usual, such as `valence=6, brief=1`.",
    )
    model_template: str = Field(
        default="default",
        max_length=80,
        validation_alias=_variable("WORKBENCH_MODEL_TEMPLATE"),
        description="The prompt template: a name, or a name and a version such as `default@1`.",
    )
    database_url: SecretStr | None = Field(
        default=None,
        validation_alias=_variable("WORKBENCH_DATABASE_URL"),
        description="Where pieces and examples are kept: a SQLite file in the data folder, or a PostgreSQL URL.",
    )
    data_dir: Path = Field(
        default=Path(".data"),
        validation_alias=_variable("WORKBENCH_DATA_DIR"),
        description="The folder for everything that the workbench writes by itself.",
    )
    scheduler: str | None = Field(
        default=None,
        max_length=300,
        validation_alias=_variable("WORKBENCH_SCHEDULER"),
        description="The address of a Dask scheduler for long work; without one it is done in this process.",
    )
    openai_api_key: SecretStr | None = Field(
        default=None,
        validation_alias=_variable("OPENAI_API_KEY"),
        description="The key for OpenAI, or for whatever answers at `OPENAI_BASE_URL`.",
    )
    openai_base_url: str | None = Field(
        default=None,
        max_length=500,
        validation_alias=_variable("OPENAI_BASE_URL"),
        description="Another endpoint that speaks OpenAI's protocol, such as `http://localhost:8000/v1`.",
    )

    serve_token: SecretStr | None = Field(
        default=None,
        validation_alias=_variable("WORKBENCH_SERVE_TOKEN"),
        description="What clients of `serve-model` have to send as their key; other machines are only let in with one.",
    )

    @field_validator("openai_base_url", "model_ft_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("http://", "https://")):
            raise ValueError("it must begin with http:// or https://")
        return value


def variable_of(field: str) -> str:
    """The environment variable that a setting is read from."""
    alias = Settings.model_fields[field].validation_alias
    return str(alias.choices[0]) if isinstance(alias, AliasChoices) else field


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        InvalidInputError: a variable has an impossible value; ``field`` names the variable. Its value is not shown.
    """
    try:
        return Settings()
    except ValidationError as problem:
        first = problem.errors(include_url=False, include_input=False)[0]
        name = str(first["loc"][0])
        raise InvalidInputError(
            f"The environment variable {name} cannot be used: {str(first['msg']).removeprefix('Value error, ')}.",
            hint=f"Correct it, or unset {name} to use the default.",
            field=name,
        ) from None


def settings_rows() -> Iterator[tuple[str, str, str]]:
    """(variable, default, description) of every setting, in the order in which they are declared."""
    for name, field in Settings.model_fields.items():
        default = "" if field.default is None else f"`{field.default}`"
        yield variable_of(name), default, str(field.description)


def settings_table() -> str:
    """The Markdown table that stands in the README."""
    rows = [f"| `{variable}` | {default} | {text} |" for variable, default, text in settings_rows()]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])
