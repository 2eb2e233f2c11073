"""A request of any protocol taken apart: its items, and what makes a touchpoint of each."""

from dataclasses import dataclass
from typing import Protocol

from services.ingest.protocols.outcome import Arrival, Outcome
from services.ingest.protocols.splitting import Item, Split


class Reader(Protocol):
    """Makes touchpoints of a protocol's items."""

    @property
    def protocol(self) -> str:
        """How a refused item is kept: a name by which ``readers.reader_of`` finds what reads it again."""
        ...

    def read(self, item: Item, arrival: Arrival, *, may_hold_nul: bool) -> Outcome:
        """The touchpoint in ``item``, or its rejection. Never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Parcel:
    """A request taken apart. ``write_key`` is the key that the body carries, empty when it has none."""

    split: Split
    reader: Reader
    write_key: str = ""
