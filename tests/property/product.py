"""The product's pure functions asked the way the reference is asked, so that the answers can be compared."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import msgspec

from services.scoring.domain import facts, identity
from services.scoring.domain.fold import advance, engagement_at, fold
from services.scoring.domain.model import Model, parse
from services.scoring.domain.state import State, initial
from services.scoring.domain.timeline import Timeline, alone, timeline
from services.scoring.domain.touchpoint import Touchpoint, decode
from tests.reference.message import Message, order
from tests.reference.timeline import Models


def touchpoint(message: Message) -> Touchpoint:
    """The message by way of its bytes."""
    return decode(msgspec.json.encode(message))


def owners(
    messages: Iterable[Message], *, infer_email_owner: bool, most_runs: int = identity.MOST_RUNS
) -> identity.Owners:
    """The links that count among these touchpoints."""
    links: dict[str, list[identity.Link]] = {}
    for message in messages:
        found = touchpoint(message)
        for link in identity.links_of(found.keys, found.previous, found.kind, found.occurred_at, found.id):
            links.setdefault(link.key, []).append(link)
    runs = {key: list(identity.runs_from(of_key, most_runs)) for key, of_key in links.items()}
    inferred = [
        run for of_key in list(runs.values()) for run in identity.inferred(of_key, infer_owner=infer_email_owner)
    ]
    for run in inferred:
        runs.setdefault(run.key, []).append(run)
    return identity.owners({key: identity.bounded(of_key, most_runs) for key, of_key in runs.items()})


def folded(messages: Iterable[Message], timeline: Timeline, until: int) -> State:
    """The state of a lead after all its touchpoints and the implied instants up to ``until``."""
    ordered = [touchpoint(message) for message in sorted(messages, key=order)]
    return advance(timeline, fold(timeline, initial(), ordered), until)


def timeline_of(models: Models) -> Timeline:
    """The versions of a model, the first one as the template."""
    if isinstance(models, Mapping):
        return alone(parse(models))
    return timeline(parse(models[0][1]), [(at, parse(model)) for at, model in models[1:]])


def cycle_facts(state: State) -> dict[str, dict[str, Any]]:
    """The facts of a state as JSON, what is not set left out."""
    return {facts.fact_key(cycle.number): _fact(cycle.number, facts.facet(cycle)) for cycle in facts.held(state)}


def _fact(number: int, facet: facts.Facet) -> dict[str, Any]:
    known = {name: value for name, value in facet.dimensions.items() if value is not None}
    fact: dict[str, Any] = {"cycle": number, "steps": dict(facet.steps), "dimensions": known}
    if facet.implied:
        fact["implied"] = list(facet.implied)
    if facet.exit is not None:
        fact |= {"exit": facet.exit, "exited_at": facet.exited_at}
    return fact


def moves(state: State) -> list[tuple[Any, ...]]:
    """Every entry: axis, to, at, cycle, the touchpoint that caused it (None for a timer), from, implied."""
    return [
        (entry.axis, entry.to, entry.at, cycle.number, entry.touchpoint, entry.origin, entry.implied)
        for cycle in facts.held(state)
        for entry in cycle.entries
    ]


def summary(model: Model, state: State, at: int) -> dict[str, Any]:
    """What is shown of a lead."""
    brief = facts.brief(model, state, at)
    return {
        **brief._asdict(),
        "since": state.status_at,
        "traits": state.known_traits,
        "consent": {purpose: (held.word, held.since) for purpose, held in state.consent.items()},
        "visits": state.visit_count,
        "orders": state.orders,
        "first": state.first.id if state.first else None,
        "last": state.last.id if state.last else None,
        "engagement": engagement_at(model, state, at),
    }


def in_slices(messages: Sequence[Message], cuts: Iterable[int]) -> list[list[Touchpoint]]:
    """The touchpoints in order, cut at these places."""
    ordered = [touchpoint(message) for message in sorted(messages, key=order)]
    places = sorted({min(cut, len(ordered)) for cut in cuts} | {0, len(ordered)})
    return [ordered[start:end] for start, end in pairwise(places)]
