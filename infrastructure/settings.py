"""Settings, all from the environment: `SHOP_PORT` sets `port`. A wrong value stops the start."""

import os
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from difflib import get_close_matches
from email import policy
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Literal
from urllib.parse import urlsplit

import iso4217
import psycopg
from psycopg.conninfo import conninfo_to_dict
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from infrastructure.mail.transports import Smtp

PREFIX = "SHOP_"
HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)  # RFC 9110, section 5.6.2
# What pages send that use Apollo, urql, Relay or OpenTelemetry as their documentation says.
CORS_HEADERS = (
    "authorization",
    "content-type",
    "x-request-id",
    "traceparent",
    "tracestate",
    "baggage",
    "apollographql-client-name",
    "apollographql-client-version",
    "apollo-require-preflight",
    "graphql-preflight",
    "x-apollo-operation-name",
    "x-apollo-operation-type",
    "x-requested-with",
)
SHORTEST_KEY = 32  # characters; HS256 wants 32 bytes (RFC 7518, section 3.2)


class SettingsError(Exception):
    """The environment does not make sense; the message is one line for the operator."""


def _database_url(value: SecretStr) -> SecretStr:
    try:
        conninfo_to_dict(value.get_secret_value())
    except psycopg.ProgrammingError as error:
        raise ValueError from error
    return value


def _smtp_url(value: SecretStr) -> SecretStr:
    Smtp.parse(value.get_secret_value())
    return value


def _currency(code: str) -> str:
    if iso4217.Currency(code).exponent is None:  # gold has none
        raise ValueError
    return code


def _mail_address(value: str) -> str:
    header = policy.SMTP.header_factory("From", value)
    if header.defects or len(header.addresses) != 1 or not header.addresses[0].domain:
        raise ValueError
    if not header.addresses[0].addr_spec.isascii():  # which few mail servers would take
        raise ValueError
    return value


def _origin(value: str) -> str:
    url = urlsplit(value)
    if value != "*" and (not url.hostname or value != f"{url.scheme}://{url.netloc}"):
        raise ValueError
    return value


def _header(value: str) -> str:
    if not HEADER.fullmatch(value):
        raise ValueError
    return value


def _http_url(value: str) -> str:
    url = urlsplit(value)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError
    return value


def _secret_key(value: SecretStr) -> SecretStr:
    if any(len(key.strip()) < SHORTEST_KEY for key in value.get_secret_value().split(",")):
        raise ValueError
    return value


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


# With one hop a commit a test can stop the process manager between any two steps of a saga. Who
# runs a shop has no use for it.
FOR_TESTS = frozenset({"hops_per_commit"})


class Settings(BaseSettings):
    """Each description completes the sentence "SHOP_…: the value is not …"."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore"
    )

    database_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = Field(
        None, description="a PostgreSQL address such as postgresql://user@host/database"
    )
    read_database_url: Annotated[SecretStr, AfterValidator(_database_url)] | None = Field(
        None, description="the PostgreSQL address of a streaming replica"
    )
    data_dir: Path = Field(Path("data"), description="a folder")
    host: str = Field("127.0.0.1", description="a host name or address")
    port: int = Field(8000, ge=1, le=65535, description="a port number")
    secret_key: Annotated[SecretStr, AfterValidator(_secret_key)] | None = Field(
        None, description=f"a key of {SHORTEST_KEY} characters or more (several: comma separated)"
    )
    currency: Annotated[str, AfterValidator(_currency)] = Field(
        "USD", description="a currency such as USD"
    )
    smtp_url: Annotated[SecretStr, AfterValidator(_smtp_url)] | None = Field(
        None, description="an address such as smtp://127.0.0.1:1025"
    )
    mail_from: Annotated[str, AfterValidator(_mail_address)] = Field(
        "Shop <shop@localhost>", description="a mail address such as Shop <shop@example.com>"
    )
    admin_code: SecretStr | None = Field(None, description="a code, or * for none needed")
    demo: bool = Field(False, description="on or off")
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper)] = (
        Field("INFO", description="one of debug, info, warning, error")
    )
    log_format: Literal["console", "json"] = Field("console", description="console or json")
    keep_alive: int = Field(130, ge=1, le=86_400, description="a number of seconds from 1 to 86400")
    api_processes: int = Field(1, ge=1, le=64, description="a number from 1 to 64")
    limits: bool = Field(True, description="on or off")
    cors_origins: Annotated[
        tuple[Annotated[str, AfterValidator(_origin)], ...], NoDecode, BeforeValidator(_split)
    ] = Field((), description="a comma separated list of origins such as https://shop.example")
    cors_headers: Annotated[
        tuple[Annotated[str, AfterValidator(_header)], ...], NoDecode, BeforeValidator(_split)
    ] = Field(CORS_HEADERS, description="a comma separated list of headers such as x-tenant")
    documents: Path | None = Field(None, description="a file of documents")
    graphiql: bool = Field(True, description="on or off")
    introspection: bool = Field(True, description="on or off")
    otlp_endpoint: Annotated[str, AfterValidator(_http_url)] | None = Field(
        None, description="the address of an OTLP collector such as http://127.0.0.1:4318"
    )
    most_lag: float = Field(10, gt=0, allow_inf_nan=False, description="a number of seconds")
    hops_per_commit: int = Field(0, ge=0, description="a number of hops (0: no limit)")

    @property
    def embedded(self) -> bool:
        """Whether the shop brings its own PostgreSQL."""
        return self.database_url is None

    @property
    def required_admin_code(self) -> str | None:
        """What who signs up as an administrator must bring: None lets nobody, "" anybody."""
        code = self.admin_code.get_secret_value() if self.admin_code else None
        return "" if code == "*" else code  # an empty variable is too easily set by accident

    def signing_keys(self) -> tuple[str, ...]:
        """The keys that tokens may be signed with; the first signs.

        Made once and kept in the data directory where none is set and PostgreSQL is embedded.
        Raises SettingsError where none is set and it is not, or none can be kept.
        """
        if self.secret_key is not None:
            return tuple(self.secret_key.get_secret_value().split(","))
        if not self.embedded:
            raise SettingsError("SHOP_SECRET_KEY: must be set where SHOP_DATABASE_URL is")
        try:
            return (_kept_key(self.data_dir / "secret-key"),)
        except OSError as error:
            reason = f"cannot be used: {error.strerror}"
            raise SettingsError(f"SHOP_DATA_DIR: {str(self.data_dir)!r} {reason}") from error


def _kept_key(path: Path) -> str:
    """The key in the file, which is made where it is not there; two processes agree on one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        # Readable by its owner alone from the first byte on, and in place only when it is whole.
        with NamedTemporaryFile("w", dir=path.parent) as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return path.read_text()


def load_settings() -> Settings:
    """The settings from the environment. Raises SettingsError, which names every wrong value."""
    try:
        return Settings()
    except ValidationError as error:
        complaints = (_complaint(str(at["loc"][0]), at["input"]) for at in error.errors())
        raise SettingsError("; ".join(complaints)) from None


def unknown_settings(names: Iterable[str]) -> list[str]:
    """What to say of each of the variables that looks like a setting, and is none."""
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    complaints = []
    for name in sorted(names):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            meant = get_close_matches(name.upper(), known, n=1, cutoff=0.75)
            hint = f"; did you mean {meant[0]}?" if meant else ""
            complaints.append(f"{name} is no setting{hint}")
    return complaints


def _complaint(name: str, value: object) -> str:
    field = Settings.model_fields[name]
    # A password in a log is worse than a message that does not repeat what was set.
    shown = "the value" if "Secret" in str(field.annotation) else repr(value)
    return f"{PREFIX}{name.upper()}: {shown} is not {field.description}"
