"""Costs as targets: the files of ad platforms as ``tragt costs import`` reads them, the body of ``POST /v1/costs``."""

from contextlib import suppress
from dataclasses import replace
from typing import Final, cast, get_args

import msgspec

from services.cli.costs.command import exports
from services.cli.costs.exports import Asked, parsed
from services.ingest.protocols.import_cells import Dates, Decimals
from services.metrics.api.costs import rows_of
from services.metrics.domain.cost import FIELDS, MOST, Cost, cost_of
from shared.errors import InvalidRequest
from tests.chaos.fuzz import vectors
from tests.chaos.fuzz.request import Request, Seed
from tests.unit.cli.costs import test_exports

_ROW: Final = (
    b'{"date":"2026-11-25","source":"google","account_id":"1","campaign_id":"77","campaign_name":"Autumn",'
    b'"currency":"EUR","cost":"12.34","impressions":1000,"clicks":50,"conversions":"3"}'
)
_MOST_AT_ONCE: Final = 500
"""Rows of a body that are read: the service answers others between batches, and here the slow row is looked for."""


_FILE_BYTES: Final = 64 * 1024
"""Of a file: a command reads it all at once, some 14 us a row (measured), and 1 MiB may be 350,000 rows of nothing."""


def costs_file(request: Request) -> None:
    """A file for the platform that the query names; how it is written is in the headers."""
    export = exports().get(request.query.decode("latin-1")) or exports()["neutral"]
    dates, decimals = request.text("dates"), request.text("decimals")
    asked = Asked(
        cast("Dates", dates) if dates in get_args(Dates) else None,
        cast("Decimals", decimals) if decimals in get_args(Decimals) else None,
        request.text("currency"),
        request.text("account"),
    )
    found = parsed(export, request.body[:_FILE_BYTES], asked)
    assert len(found.costs) + len(found.refused) + found.totals <= found.rows
    msgspec.json.encode(found.refused)
    for cost in found.costs.values():
        _check(cost)


def costs_body(request: Request) -> None:
    """The rows of a request, each taken or refused by itself."""
    for row in rows_of(request.body)[:_MOST_AT_ONCE]:
        with suppress(InvalidRequest):
            _check(cost_of(row))


def _check(cost: Cost) -> None:
    """It is one that the service takes, said in its own words, unless it is a sum of too much."""
    said = dict(zip(FIELDS, _neutral(cost), strict=True))
    if all(number < MOST for number in (cost.cost, cost.conversions, cost.impressions, cost.clicks)):
        assert cost_of(msgspec.json.decode(msgspec.json.encode(said))) == cost


def _neutral(cost: Cost) -> list[object]:
    values = {**cost._asdict(), "date": cost.day.isoformat(), "cost": f"{cost.cost:f}"}
    return [values[name] for name in FIELDS[:-1]] + [f"{cost.conversions:f}"]


def file_seeds() -> list[Seed]:
    """The exports of the tests, each for every platform."""
    said = {name: value for name, value in vars(test_exports).items() if name.isupper()}
    files = [value.encode() if isinstance(value, str) else msgspec.json.encode(value) for value in said.values()]
    files += [value.encode("utf-16") for value in said.values() if isinstance(value, str)]
    files += [block.encode() for block in vectors.blocks("csv")]
    plain = [Seed(file, query=name.encode()) for name in exports() for file in files]
    beside = {"dates": "dmy", "decimals": "comma", "currency": "EUR", "account": "7"}
    return plain + [replace(seed, headers=beside) for seed in plain]


def body_seeds() -> list[Seed]:
    """A good row with the members of everything in the corpus put into it, alone and twice."""
    bodies = [b'{"costs":[%s]}' % row for row in vectors.within(_ROW)]
    return [Seed(body) for body in [*bodies, b'{"costs":[%s,%s]}' % (_ROW, _ROW), *vectors.objects()]]
