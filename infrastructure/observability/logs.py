"""Logs: one line an event on stderr, for people or as JSON, with nothing in it that is secret."""

import logging
import re
import sys
from typing import Any

import psycopg
import structlog
from structlog.contextvars import merge_contextvars
from structlog.dev import plain_traceback
from structlog.processors import (
    EventRenamer,
    ExceptionRenderer,
    JSONRenderer,
    StackInfoRenderer,
    TimeStamper,
)
from structlog.stdlib import ExtraAdder, ProcessorFormatter, add_log_level, add_logger_name
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
# The last word of a key says what its value is: `access_token`, `admin_code`, `email`.
SECRET = {"authorization", "code", "cookie", "email", "key", "password", "secret", "token"}


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide the values of secret keys, at any depth."""
    return {key: _without_secrets(key, value) for key, value in event.items()}


def _without_secrets(key: object, value: Any) -> Any:
    if isinstance(key, str) and key.lower().replace("-", "_").rsplit("_", 1)[-1] in SECRET:
        return REDACTED
    match value:
        case dict():
            return {inner: _without_secrets(inner, found) for inner, found in value.items()}
        case list() | tuple():
            return [_without_secrets(None, found) for found in value]
        case _:
            return value


def forget_rows(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Cut off what PostgreSQL adds to an error: it quotes the row, with address and hash."""
    found = event.get("exc_info")
    waiting = [sys.exc_info()[1] if found is True else found[1] if type(found) is tuple else found]
    seen: list[BaseException] = []
    while waiting:
        error = waiting.pop()
        if isinstance(error, BaseException) and error not in seen:
            seen.append(error)
            waiting += [error.__cause__, error.__context__, *getattr(error, "exceptions", ())]
            # Operational errors are not about rows; of a deadlock the details say between whom.
            if isinstance(error, psycopg.Error) and not isinstance(error, psycopg.OperationalError):
                error.args = (re.split(r"\n(?:DETAIL|CONTEXT):", str(error))[0],)
    return event


def configure_logs(process: str, level: str = "INFO", style: str = "console") -> None:
    """Send all logs of this process, structlog's and the standard library's, to stderr.

    `process` names it in every line; `style` is `console` or `json`. What is bound to structlog's
    context variables (a request, a correlation id) is in every line that is written under it.
    """

    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    shared: list[Processor] = [
        merge_contextvars,
        add_log_level,
        add_logger_name,
        name_process,
        redact,
        forget_rows,
        TimeStamper(fmt="iso", utc=True),
        StackInfoRenderer(),
    ]
    # Tracebacks are plain: with the values of variables they would tell secrets, at great length.
    rendering: list[Processor] = (
        [
            ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            EventRenamer("message"),
            JSONRenderer(default=str),
        ]
        if style == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=plain_traceback
            )
        ]
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[ExtraAdder(), *shared],
            processors=[ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it tells of each request
    structlog.configure(
        processors=[*shared, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
