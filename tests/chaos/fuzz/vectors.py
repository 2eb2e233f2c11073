"""The corpus, collected rather than copied: every vector in the tests, every example in the documents.

A vector of the tests is a literal in their source: bytes, text, and whatever is written as a dictionary or a list.
"""

import ast
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from services.ingest.api import cloudevents, examples, ga4, snowplow
from tests.unit.ingest.webhooks.cases import Case, all_cases

ROOT: Final = Path(__file__).parents[3]
_TESTS: Final = ("tests/unit/ingest", "tests/integration/ingest", "tests/unit/scoring/domain")
_BLOCK: Final = re.compile(r"```(\w*)[^\n]*\n(.*?)```", re.DOTALL)
_MIN_LENGTH: Final = 2
_MAX_LENGTH: Final = 64 * 1024


@cache
def literals() -> tuple[Any, ...]:
    """Every literal of the tests, each once: bytes, texts, dictionaries and lists."""
    found: dict[str, Any] = {}
    for folder in _TESTS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for value in _literals_of(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(repr(value), value)
    return tuple(found.values())


def _literals_of(tree: ast.AST) -> Iterator[Any]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.Dict | ast.List):
            try:
                value = ast.literal_eval(node)
            except (ValueError, TypeError):
                continue
            if isinstance(value, bytes | str | dict | list) and len(value) >= _MIN_LENGTH:
                yield value


@cache
def blocks(language: str) -> tuple[str, ...]:
    """The fenced blocks of that language in the pages about connecting and about models."""
    pages = [*sorted((ROOT / "docs" / "connect").glob("*.md")), ROOT / "docs" / "models.md", ROOT / "docs" / "api.md"]
    found = (block for page in pages for block in _BLOCK.findall(page.read_text(encoding="utf-8")))
    return tuple(dict.fromkeys(text for spoken, text in found if spoken == language))


@cache
def objects() -> tuple[bytes, ...]:
    """JSON objects: of the tests, the documents, the OpenAPI examples and the providers' requests."""
    shown: list[Any] = [
        *(one["value"] for one in examples.NATIVE.values()),
        *examples.SEGMENT_CALLS.values(),
        examples.SEGMENT_BATCH,
    ]
    shown += [examples.POSTHOG_BATCH, cloudevents.EXAMPLE, ga4.EXAMPLE, snowplow.EXAMPLE]
    written = [_json(value) for value in [*literals(), *shown] if isinstance(value, dict)]
    written += [block.encode() for block in (*blocks("json"), *blocks("http")) for block in [_body_of(block)] if block]
    written += [case.body for case in cases()]
    written += [text for text in texts() if text.lstrip().startswith(b"{")]
    return tuple(dict.fromkeys(one for one in written if one.lstrip().startswith(b"{") and len(one) < _MAX_LENGTH))


@cache
def within(base: bytes) -> tuple[bytes, ...]:
    """A good item with the members of each object of the corpus put into it: tests often write only what differs."""
    good = msgspec.json.decode(base)
    parts = (value for value in literals() if isinstance(value, dict) and all(isinstance(name, str) for name in value))
    return tuple(dict.fromkeys(_json({**good, **part}) for part in parts))


@cache
def texts() -> tuple[bytes, ...]:
    """Bytes and texts of the tests."""
    said = (value.encode("utf-8", "replace") if isinstance(value, str) else value for value in literals())
    return tuple(dict.fromkeys(one for one in said if isinstance(one, bytes) and len(one) < _MAX_LENGTH))


@cache
def addresses() -> tuple[bytes, ...]:
    """Queries: what stands behind a question mark in the tests, and their texts that are written like one."""
    told = (text.encode() for rows in _channel_cases().values() for text in rows)
    behind = (text.partition(b"?")[2] for text in (*texts(), *told) if b"?" in text)
    alike = (text for text in texts() if re.fullmatch(rb"[\w.$%-]+=[^\s{}]*(&[\w.$%-]+=[^\s{}]*)*", text))
    return tuple(dict.fromkeys(query for query in (*behind, *alike) if query))


@cache
def names() -> tuple[bytes, ...]:
    """Short words that occur as a name or a value: what a mutation puts in other places."""
    found: dict[bytes, None] = {}
    for one in objects():
        found |= dict.fromkeys(re.findall(rb'"[^"\\]{1,40}"', one))
    return tuple(found)


@cache
def cases() -> tuple[Case, ...]:
    """The requests of the providers of webhooks."""
    return tuple(all_cases())


def _channel_cases() -> dict[str, list[str]]:
    path = ROOT / "tests/unit/ingest/domain/channel_cases.yaml"
    rows: dict[str, list[str]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return rows


def _body_of(block: str) -> str:
    return block.partition("\n\n")[2] if block.startswith(("POST", "GET")) else block


def _json(value: Any) -> bytes:
    try:
        return msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return json.dumps(value, default=repr).encode("utf-8", "replace")
