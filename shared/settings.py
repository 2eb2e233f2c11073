"""Settings of a service: typed, frozen, resolved once from the environment in ``__main__`` and passed down.

A variable is ``<SERVICE>_<FIELD>`` or ``<SERVICE>_<COMPONENT>_<FIELD>``. One that nobody reads is an error that
names the nearest that is read: a misspelt setting must not silently be the default.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self, TypeVar
from urllib.parse import urlsplit

import msgspec
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from shared.errors import Misconfigured

CHECK_FLAG: Final = "--check-config"
"""The argument with which a service prints its resolved settings, passwords left out, and ends."""

EXIT_MISCONFIGURED: Final = 2


def redacted(dsn: str) -> str:
    """The address without its password, for people and logs."""
    password = urlsplit(dsn).password
    return dsn.replace(f":{password}@", ":***@", 1) if password else dsn


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Several words in one variable, separated by commas."""

Dsn = Annotated[SecretStr, PlainSerializer(lambda dsn: redacted(dsn.get_secret_value()), return_type=str)]
"""The address of a database; printed without its password."""


class Component(BaseModel):
    """Settings that belong together, as one field of a service's settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class DatabaseSettings(Component):
    """The service's own database."""

    dsn: Dsn
    pool_size: int = Field(default=4, ge=1, le=100)


class LogSettings(Component):
    """Where the log is: tables of a PostgreSQL, or brokers of Kafka."""

    kind: Literal["postgres", "kafka"] = "postgres"
    dsn: Dsn | None = None
    kafka_servers: CommaList = ()
    kafka_security: Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"] = "plaintext"
    kafka_ca_file: str | None = None
    """Certificates (PEM) that the brokers' are signed by; the system's when missing."""

    kafka_certificate_file: str | None = None
    kafka_key_file: str | None = None
    kafka_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_user: str = ""
    kafka_password: SecretStr | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.kafka_security.startswith("sasl") and not (self.kafka_user and self.kafka_password):
            raise ValueError("a Kafka with SASL needs ..._LOG_KAFKA_USER and ..._LOG_KAFKA_PASSWORD")
        if self.kind == "postgres" and self.dsn is None:
            raise ValueError("kind postgres needs the address of the log's database (..._LOG_DSN)")
        if self.kind == "kafka" and not self.kafka_servers:
            raise ValueError("kind kafka needs brokers, HOST:PORT separated by commas (..._LOG_KAFKA_SERVERS)")
        return self


class ServiceSettings(BaseSettings):
    """Settings of one service. A subclass gives its prefix: ``model_config = SettingsConfigDict(env_prefix="X_")``."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        hide_input_in_errors=True,
    )
    host: str = "127.0.0.1"
    database: DatabaseSettings
    log: LogSettings
    traces_endpoint: str | None = None
    """An OpenTelemetry collector (``http://host:4318``); without it no traces are made."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  (their signature)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what ``read_settings`` hands over: nothing is read behind its back."""
        return (init_settings,)


_S = TypeVar("_S", bound=BaseSettings)


def read_settings(settings: type[_S], environment: Mapping[str, str]) -> _S:
    """The settings that ``environment`` says. Raises Misconfigured with one line per wrong or unknown variable."""
    problems = list(_strangers(settings, environment))
    if problems:
        raise Misconfigured("\n".join(problems))
    try:
        return settings(**_Given(settings, environment)())
    except SettingsError as error:
        raise Misconfigured(str(error)) from error
    except ValidationError as error:
        lines = [f"{_variable(settings, fault['loc'])}: {fault['msg']}" for fault in error.errors(include_url=False)]
        raise Misconfigured("\n".join(lines)) from error


def settings_of_process(settings: type[_S]) -> _S:
    """For ``__main__``: the settings of this process. Ends it with 2 if they are wrong, 0 after ``--check-config``."""
    return _resolve(settings, os.environ, sys.argv[1:])  # noqa: TID251  (the one place that reads it)


def variables(settings: type[BaseSettings]) -> frozenset[str]:
    """Every variable that the settings read."""
    prefix = settings.model_config.get("env_prefix", "")
    names: set[str] = set()
    for name, field in settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names.update(f"{prefix}{name}_{inner}".upper() for inner in kind.model_fields)
        else:
            names.add(f"{prefix}{name}".upper())
    return frozenset(names)


def describe(settings: BaseSettings) -> str:
    """The resolved settings as JSON, passwords left out."""
    return msgspec.json.format(msgspec.json.encode(settings.model_dump(mode="json"))).decode()


class _Given(EnvSettingsSource):
    """Parses names and values as pydantic-settings does, from the environment it is given."""

    def __init__(self, settings: type[BaseSettings], environment: Mapping[str, str]) -> None:
        self._environment = environment
        super().__init__(settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name.lower(): value for name, value in self._environment.items() if value}


def _strangers(settings: type[BaseSettings], environment: Mapping[str, str]) -> Iterator[str]:
    prefix, known = settings.model_config.get("env_prefix", ""), variables(settings)
    for name in sorted(environment):
        if name.upper().startswith(prefix) and name.upper() not in known:
            near = get_close_matches(name.upper(), known, n=1, cutoff=0.0)
            yield f"{name}: is not a setting; the nearest is {near[0]}"


def _variable(settings: type[BaseSettings], path: Sequence[Any]) -> str:
    prefix = settings.model_config.get("env_prefix", "")
    return f"{prefix}{'_'.join(str(part) for part in path if isinstance(part, str))}".upper()


def _resolve(settings: type[_S], environment: Mapping[str, str], arguments: Sequence[str]) -> _S:
    try:
        _check_arguments(arguments)
        resolved = read_settings(settings, environment)
    except Misconfigured as error:
        sys.stderr.write(f"the settings are wrong:\n{error}\n")
        raise SystemExit(EXIT_MISCONFIGURED) from error
    if CHECK_FLAG in arguments:
        sys.stdout.write(f"{describe(resolved)}\n")
        raise SystemExit(0)
    return resolved


def _check_arguments(arguments: Sequence[str]) -> None:
    for argument in arguments:
        if argument != CHECK_FLAG:
            raise Misconfigured(f"{argument}: is not an argument; the only one is {CHECK_FLAG}")
