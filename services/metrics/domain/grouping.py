"""Rows of sums put together as a question asks: narrowed, broken down, those without a value as the difference."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from services.metrics.domain.contribution import CHANNEL_CAMPAIGN, DIMENSIONS, TOTAL, ValueNumbers, unpair
from services.metrics.domain.layout import Row
from services.metrics.domain.question import PAIR, Question

Key = tuple[int | None, ...]
"""Value numbers of the attributes of ``by``, in that order; None for no value, REST for the rest."""

_Rows = Mapping[int, Row]


@dataclass(frozen=True, slots=True)
class Grouped:
    """The row of all that was asked about, and that of each group."""

    total: Row
    groups: Mapping[Key, Row]


def grouped(question: Question, tables: Mapping[int, _Rows], numbers: ValueNumbers) -> Grouped:
    """Combine the rows by value of each dimension of ``dimensions_for(question)``."""
    names = sorted(frozenset(question.by) | question.where.keys())
    nothing = np.zeros_like(tables[TOTAL][0])
    wanted = {name: _number(numbers, name, value) for name, value in question.where.items()}
    total, groups = nothing, dict[Key, Row]()
    for values, row in _full(frozenset(names), tables).items():
        named = dict(zip(names, values, strict=True))
        if all(named[name] == number for name, number in wanted.items()):
            total = total + row
            key = tuple(named[name] for name in question.by)
            groups[key] = groups[key] + row if key in groups else row
    return Grouped(total, {key: row for key, row in groups.items() if row.any()} if question.by else {})


def _number(numbers: ValueNumbers, name: str, value: str | None) -> int | None:
    """The number to look for; one that no row has when the value was never counted."""
    return None if value is None else numbers.get((DIMENSIONS[name], value), -1)


def _full(names: frozenset[str], tables: Mapping[int, _Rows]) -> dict[Key, Row]:
    """Every combination of values of the named attributes (sorted by name), none included."""
    total = tables[TOTAL][0]
    if not names:
        return {(): total}
    if names == PAIR:
        return _pairs(total, tables)
    rows = tables[DIMENSIONS[next(iter(names))]]
    return {**{(number,): row for number, row in rows.items()}, (None,): total - _sum(rows, total)}


def _pairs(total: Row, tables: Mapping[int, _Rows]) -> dict[Key, Row]:
    channels, campaigns = tables[DIMENSIONS["channel"]], tables[DIMENSIONS["campaign"]]
    found: dict[Key, Row] = {}
    without_campaign, without_channel = dict(channels), dict(campaigns)
    for value, row in tables[CHANNEL_CAMPAIGN].items():
        channel, campaign = unpair(value)
        found[campaign, channel] = row
        without_campaign[channel] = without_campaign[channel] - row
        without_channel[campaign] = without_channel[campaign] - row
    found |= {(None, channel): row for channel, row in without_campaign.items()}
    found |= {(campaign, None): row for campaign, row in without_channel.items()}
    found[None, None] = total - _sum(channels, total) - _sum(without_channel, total)
    return found


def _sum(rows: _Rows, like: Row) -> Row:
    summed = np.zeros_like(like)
    for row in rows.values():
        summed += row
    return summed
