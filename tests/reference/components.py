"""Neighbourhoods of keys: touchpoints that share no key, directly or by way of others, can be looked at apart."""

from collections.abc import Iterable, Iterator

from tests.reference.answers import Lead, leads
from tests.reference.message import Message, distinct
from tests.reference.model import Model


def components(messages: Iterable[Message]) -> list[list[Message]]:
    """The touchpoints apart by neighbourhood, each in the order given."""
    every = list(messages)
    parents: dict[str, str] = {}
    for message in every:
        first, *others = _keys(message)
        for key in others:
            parents[_top(parents, key)] = _top(parents, first)
    found: dict[str, list[Message]] = {}
    for message in every:
        found.setdefault(_top(parents, message["keys"][0]), []).append(message)
    return list(found.values())


def all_leads(messages: Iterable[Message], model: Model, secret: bytes, at: int) -> Iterator[Lead]:
    """Every lead of a workspace, as ``answers.leads`` finds them, neighbourhood by neighbourhood."""
    for neighbourhood in components(distinct(messages)):
        yield from leads(neighbourhood, model, secret, at).values()


def _keys(message: Message) -> list[str]:
    previous = message.get("previous")
    return [*message["keys"], *([previous] if previous else [])]


def _top(parents: dict[str, str], key: str) -> str:
    top = key
    while (above := parents.get(top, top)) != top:
        top = above
    while (above := parents.get(key, key)) != key:
        parents[key] = top
        key = above
    return top
