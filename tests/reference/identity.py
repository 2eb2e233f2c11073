"""Which touchpoints are whose: owners and roots at any instant, pieces, leads (core 2)."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.reference.links import MOST_RUNS, Link, effective_links
from tests.reference.message import Message, distinct, order, strand


@dataclass(frozen=True)
class Piece:
    """A strand over ``[start, end)``; None is open to that side."""

    strand: str
    start: int | None
    end: int | None


class Identity:
    """Answers about the full set of touchpoints of one workspace."""

    def __init__(
        self, messages: Iterable[Message], *, infer_email_owner: bool = True, most_runs: int = MOST_RUNS
    ) -> None:
        self.messages: Sequence[Message] = distinct(messages)
        self.links: dict[str, list[Link]] = effective_links(
            self.messages, infer_email_owner=infer_email_owner, most_runs=most_runs
        )
        self._instants = {key: [link.at for link in links] for key, links in self.links.items()}

    def owner(self, key: str, at: int) -> str:
        """The target of the latest link at or before ``at``, else of the earliest, else the key itself."""
        links = self.links.get(key)
        if not links:
            return key
        latest = bisect_right(self._instants[key], at) - 1
        return links[max(latest, 0)].target

    def root(self, key: str, at: int) -> str:
        """Follow owners upwards to the key that owns itself."""
        while (owner := self.owner(key, at)) != key:
            key = owner
        return key

    def root_of(self, message: Message) -> str:
        """The lead a touchpoint belongs to."""
        return self.root(strand(message), message["occurred_at"])

    def leads(self) -> dict[str, list[Message]]:
        """Every lead that has touchpoints, by its root, its touchpoints in order."""
        found: dict[str, list[Message]] = {}
        for message in sorted(self.messages, key=order):
            found.setdefault(self.root_of(message), []).append(message)
        return found

    def keys(self) -> set[str]:
        """Every key carried by a touchpoint or standing in a link."""
        carried = {key for message in self.messages for key in message["keys"]}
        return carried | set(self.links) | {link.target for links in self.links.values() for link in links}

    def pieces(self, key: str) -> list[tuple[str, Piece]]:
        """The roots of a strand over time, earliest first, neighbours with one root joined."""
        instants = sorted({link.at for reached in self._reached(key) for link in self.links.get(reached, [])})
        joined: list[tuple[str, int | None]] = []
        for start in [None, *instants]:
            before_all = instants[0] - 1 if instants else 0
            root = self.root(key, before_all if start is None else start)
            if not joined or joined[-1][0] != root:
                joined.append((root, start))
        ends = [start for _, start in joined[1:]] + [None]
        return [(root, Piece(key, start, end)) for (root, start), end in zip(joined, ends, strict=True)]

    def _reached(self, key: str) -> set[str]:
        """The key and every key its chain can lead to at any time."""
        seen, todo = {key}, [key]
        while todo:
            new = {link.target for link in self.links.get(todo.pop(), [])} - seen
            seen |= new
            todo += new
        return seen
