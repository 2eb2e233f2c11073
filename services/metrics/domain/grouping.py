"""Rows of sums put together as a question asks: narrowed, broken down, those without a value as the difference."""

from collections.abc import Iterable, Mapping, Sequence
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
    found = _full(frozenset(names), tables)
    if not question.where:
        return Grouped(tables[TOTAL][0], _groups(question, names, found.items()))
    wanted = [(names.index(name), _number(numbers, name, value)) for name, value in question.where.items()]
    chosen = [(key, row) for key, row in found.items() if all(key[place] == number for place, number in wanted)]
    total = np.zeros_like(tables[TOTAL][0])
    for _key, row in chosen:
        total += row
    return Grouped(total, _groups(question, names, chosen))


def _groups(question: Question, names: Sequence[str], rows: Iterable[tuple[Key, Row]]) -> dict[Key, Row]:
    """Rows that are not empty, by the values of ``by``. Attributes that are only asked about have one value by now."""
    places = [names.index(name) for name in question.by]
    return {tuple(key[place] for place in places): row for key, row in rows if row.any()} if places else {}


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
