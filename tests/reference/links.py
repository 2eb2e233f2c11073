"""Links of the keys of one workspace, from the full set of its touchpoints (core 2)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from tests.reference.message import Message, is_device, is_email, is_external, is_user, order, strand

MOST_RUNS: Final = 2_000
"""A key whose links and splits change their target more often is nobody's."""


@dataclass(frozen=True)
class Link:
    """``source`` belonged to ``target`` from this instant on; a link of a key to itself ends its chain."""

    at: int
    id: bytes
    source: str
    target: str

    @property
    def place(self) -> tuple[int, bytes, bytes, bytes]:
        """The one order in which links are looked at."""
        return self.at, self.id, self.source.encode(), self.target.encode()


def explicit_links(messages: Iterable[Message]) -> list[Link]:
    """Every key beside the strand is linked to the strand."""
    return [
        Link(*order(message), key, strand(message))
        for message in messages
        if message["kind"] != "unlinked"
        for key in dict.fromkeys(message["keys"])
        if key != strand(message)
    ]


def alias_candidates(messages: Iterable[Message]) -> list[Link]:
    """A previous user id joins a new one."""
    return [
        Link(*order(message), message["previous"], strand(message))
        for message in messages
        if message["kind"] == "aliased" and message.get("previous")
        if is_user(message["previous"]) and is_user(strand(message))
    ]


def grouped(links: Iterable[Link]) -> dict[str, list[Link]]:
    """The links of every key, earliest first."""
    groups: dict[str, list[Link]] = {}
    for link in sorted(links, key=lambda link: link.place):
        groups.setdefault(link.source, []).append(link)
    return groups


def device_owner_candidates(explicit: Sequence[Link]) -> list[Link]:
    """Inference 1: a device linked to an e-mail and next to a user id says whose the e-mail is."""
    return [
        replace(second, source=first.target)
        for key, links in grouped(explicit).items()
        if is_device(key)
        for first, second in pairwise(links)
        if is_email(first.target) and is_user(second.target)
    ]


def changed_address_candidates(explicit: Sequence[Link]) -> list[Link]:
    """Inference 2: an external id newly linked to another e-mail than its first says whose that e-mail is."""
    found = []
    for key, links in grouped(explicit).items():
        addresses = [link.target for link in links if is_email(link.target)]
        if is_external(key) and addresses:
            found += [
                replace(link, source=link.target, target=addresses[0])
                for before, link in pairwise(links)
                if is_email(link.target) and link.target not in (addresses[0], before.target)
            ]
    return found


def shared_keys(messages: Sequence[Message], most_runs: int) -> set[str]:
    """Keys of which more was said than one person can be: in time, their links and splits change too often.

    Each split is a change by itself, and so is a link after it.
    """
    said: dict[str, list[tuple[tuple[int, bytes], str, str]]] = {}
    for link in explicit_links(messages):
        said.setdefault(link.source, []).append(((link.at, link.id), "own", link.target))
    for link in alias_candidates(messages):
        if link.source != link.target:
            said.setdefault(link.source, []).append(((link.at, link.id), "alias", link.target))
    for message in messages:
        if message["kind"] == "unlinked" and message.get("previous") and message["previous"] != strand(message):
            said.setdefault(strand(message), []).append((order(message), "split", message["id"]))
    return {key for key, of_key in said.items() if _changes(sorted(of_key)) > most_runs}


def _changes(said: Sequence[tuple[tuple[int, bytes], str, str]]) -> int:
    kinds = [None, *((kind, target) for _, kind, target in said)]
    return sum(one != other for one, other in pairwise(kinds))


def crowded_keys(inferred: Sequence[Link], most_runs: int) -> set[str]:
    """Keys for which more owners were inferred than one person can have."""
    return {key for key, links in grouped(inferred).items() if len(links) > most_runs}


def accepted_links(
    messages: Sequence[Message], *, infer_email_owner: bool = True, most_runs: int = MOST_RUNS
) -> list[Link]:
    """All links that hold before splits: explicit ones, then candidates in order unless they would close a cycle."""
    said = explicit_links(messages)
    shared = shared_keys(messages, most_runs)
    explicit = [link for link in said if link.source not in shared]
    inferred = changed_address_candidates(explicit)
    if infer_email_owner:
        inferred += device_owner_candidates(explicit)
    without = {link.source for link in said} | shared | crowded_keys(inferred, most_runs)
    candidates = [link for link in alias_candidates(messages) if link.source not in shared]
    candidates += [link for link in inferred if link.source not in without]
    targets: dict[str, set[str]] = {}
    for link in explicit:
        targets.setdefault(link.source, set()).add(link.target)
    accepted = list(explicit)
    for candidate in sorted(set(candidates), key=lambda link: link.place):
        if not reaches(candidate.target, candidate.source, targets):
            accepted.append(candidate)
            targets.setdefault(candidate.source, set()).add(candidate.target)
    return accepted


def reaches(start: str, goal: str, targets: dict[str, set[str]]) -> bool:
    """Whether links at any time lead from ``start`` to ``goal`` (a key reaches itself)."""
    seen, todo = {start}, [start]
    while todo:
        key = todo.pop()
        if key == goal:
            return True
        new = targets.get(key, set()) - seen
        seen |= new
        todo += new
    return False


def effective_links(
    messages: Sequence[Message], *, infer_email_owner: bool = True, most_runs: int = MOST_RUNS
) -> dict[str, list[Link]]:
    """The links of every key after splits, earliest first.

    A split turns each link of the cut key to the owner it names, dated at or before the split, into a link of the key
    to itself at that link's own place; later links hold.
    """
    splits: dict[str, list[Message]] = {}
    for message in messages:
        if message["kind"] == "unlinked":
            splits.setdefault(strand(message), []).append(message)
    links = accepted_links(messages, infer_email_owner=infer_email_owner, most_runs=most_runs)
    return grouped(_after_splits(link, splits.get(link.source, [])) for link in links)


def _after_splits(link: Link, splits: Sequence[Message]) -> Link:
    for split in splits:
        if split.get("previous") == link.target and (link.at, link.id) <= order(split):
            return replace(link, target=link.source)
    return link
