"""Logs: one JSON object per line on standard error, for what we say and for what libraries say, without people's data.

Log one line per batch or change of state, never one per touchpoint or request.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

_CHATTY: Final = ("httpx", "httpcore")
"""Libraries that log a line per request."""

_EMAIL: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_KEY: Final = re.compile(r"\b(t[ws]_[0-9A-Za-z]{1,16})_[0-9A-Za-z]+")
_PASSWORD: Final = re.compile(r"(://[^:/@\s]+):[^@/\s]+@")


def configure(service: str, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Route all logging of this process, ours and that of libraries, to ``stream`` (standard error) as JSON lines."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _named(service),
        redact,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(sort_keys=False),
            ],
            foreign_pre_chain=shared,
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in _CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Mask e-mail addresses, keys and passwords wherever they stand; a net below the rule not to log them at all."""
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = masked(value)
    return event


def masked(text: str) -> str:
    """The text without e-mail addresses, without the secret part of keys and without passwords in addresses."""
    if "@" in text:
        text = _EMAIL.sub("<e-mail>", _PASSWORD.sub(r"\1:***@", text))
    if "t" in text and "_" in text:
        text = _KEY.sub(r"\1_***", text)
    return text


def _named(service: str) -> structlog.types.Processor:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event.setdefault("service", service)
        return event

    return add
