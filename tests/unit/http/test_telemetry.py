"""Operational numbers and logs: closed names, and nobody's data in them."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import structlog

from shared import logs
from shared.instruments import HTTP_SECONDS, INSTRUMENTS, Shape, documentation
from shared.telemetry import Telemetry, tracing


def test_every_instrument_is_shown_under_its_name() -> None:
    telemetry = Telemetry()
    for instrument in INSTRUMENTS:
        labels = tuple("x" for _ in instrument.labels)
        match instrument.shape:
            case Shape.COUNT:
                telemetry.count(instrument, 2, labels)
            case Shape.LEVEL:
                telemetry.level(instrument, 2, labels)
            case Shape.DISTRIBUTION:
                telemetry.observe(instrument, 2, labels)

    told = telemetry.expose().decode()

    for instrument in INSTRUMENTS:
        assert f"tragt_{instrument.name.replace('.', '_').removesuffix('_count')}" in told
        assert instrument.meaning in told


def test_instruments_are_named_and_explained_once() -> None:
    names = [instrument.name for instrument in INSTRUMENTS]

    assert len(set(names)) == len(names)
    assert all(name in documentation() for name in names)
    assert all(instrument.buckets for instrument in INSTRUMENTS if instrument.shape is Shape.DISTRIBUTION)


def test_document_shows_every_instrument() -> None:
    assert documentation() in (Path(__file__).parents[3] / "docs" / "telemetry.md").read_text()


def test_distribution_counts_what_fell_below_each_bound() -> None:
    telemetry = Telemetry()
    for value in (0.0005, 0.001, 0.3, 99):
        telemetry.observe(HTTP_SECONDS, value, ("GET", "/", "200"))

    told = telemetry.expose().decode()

    labels = 'method="GET",route="/",status="200"'
    assert f'tragt_http_request_seconds_bucket{{le="0.001",{labels}}} 2.0' in told
    assert f'tragt_http_request_seconds_bucket{{le="0.5",{labels}}} 3.0' in told
    assert f'tragt_http_request_seconds_bucket{{le="+Inf",{labels}}} 4.0' in told
    assert f"tragt_http_request_seconds_count{{{labels}}} 4.0" in told


def test_without_an_endpoint_there_are_no_traces() -> None:
    with tracing("ingest", None) as tracer, Telemetry(tracer).span("x") as span:
        assert span is None


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, kept = logging.getLogger(), logging.getLogger().handlers
    level, stream = root.level, io.StringIO()
    logs.configure("ingest", "INFO", stream)
    yield stream
    root.handlers = kept
    root.setLevel(level)
    structlog.reset_defaults()


def test_ours_and_those_of_libraries_are_one_json_object_a_line(stream: io.StringIO) -> None:
    structlog.get_logger("access").info("access.fresh", keys=3)
    logging.getLogger("uvicorn.error").warning("Invalid %s", "request")
    structlog.get_logger("access").debug("unheard")

    ours, theirs = [msgspec.json.decode(line) for line in stream.getvalue().splitlines()]
    assert (ours["event"], ours["keys"], ours["level"], ours["service"]) == ("access.fresh", 3, "info", "ingest")
    assert (theirs["event"], theirs["level"]) == ("Invalid request", "warning")
    assert ours["at"].endswith("Z")


def test_addresses_keys_and_passwords_are_masked(stream: io.StringIO) -> None:
    structlog.get_logger("x").warning(
        "refused jane.doe+x@mail.example.com", key="tw_abc12345_SeCrEt", dsn="pg://u:pw@h/d"
    )

    line = stream.getvalue()
    assert "jane" not in line
    assert "SeCrEt" not in line
    assert ":pw@" not in line
    assert "tw_abc12345_***" in line


def test_trace_of_an_error_is_in_the_line(stream: io.StringIO) -> None:
    try:
        int("bob@example.com")
    except ValueError:
        structlog.get_logger("x").exception("failed")

    line = stream.getvalue()
    assert "ValueError" in line
    assert "bob" not in line
