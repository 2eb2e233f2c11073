"""What events cost in each protocol beside tragt's own, in batches of 100 (Google's take 25): by the door, and to read.

The door adds to both what a record costs whoever sent it; reading is from a request's body to the record's bytes.
"""

import gc
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from services.ingest.protocols.cloudevents_envelope import open_event
from services.ingest.protocols.ga4 import MAX_EVENTS, open_collected
from services.ingest.protocols.native import READER
from services.ingest.protocols.outcome import Arrival
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.posthog_envelope import open_events
from services.ingest.protocols.rudderstack import as_rudderstack
from services.ingest.protocols.segment_envelope import open_batch
from services.ingest.protocols.snowplow import Around
from services.ingest.protocols.snowplow_envelope import open_posted
from services.ingest.protocols.splitting import split_native
from shared.clock import SECOND
from shared.contracts.codec import encode_through
from shared.contracts.touchpoint import Touchpoint
from tests.benchmark.ingest_rows import Bench, bench
from tests.benchmark.load import post
from tests.benchmark.measure import REPORT, Bound, Row, paired
from tests.benchmark.protocol_bodies import PATHS, batches

_BATCH: Final = 100
_PAIRS: Final = 5
_BOUND: Final = Bound("at most", 1.5, REPORT)
_CLOUDEVENTS: Final = "application/cloudevents-batch+json"
_ARRIVAL: Final = Arrival(
    workspace="0199-bench", secret=b"s" * 32, received_at=1_795_600_000 * SECOND, make_id=lambda: "made"
)
_OPENERS: Final[Mapping[str, Callable[[bytes], Parcel]]] = {
    "native": lambda body: Parcel(split_native(body, _BATCH), READER),
    "segment": lambda body: open_batch(body, _BATCH),
    "rudderstack": lambda body: as_rudderstack(open_batch(body, _BATCH)),
    "posthog": lambda body: open_events(body, {}, _BATCH),
    "snowplow": lambda body: open_posted(body, Around(), _BATCH),
    "ga4": lambda body: open_collected(body, {"measurement_id": "G-1"}),
    "cloudevents": lambda body: open_event(_CLOUDEVENTS, {}, body, _BATCH),
}


async def rows(*, quick: bool) -> list[Row]:
    """Two rows for each protocol but our own; RudderStack's differ from Segment's in the reading only."""
    events = 5_000 if quick else 25_000
    gc.freeze()
    gc.set_threshold(10_000)  # as the door's process does
    found = [await _read_against_native(protocol, events) for protocol in _OPENERS if protocol != "native"]
    async with bench() as door:
        return [await _against_native(door, protocol, events) for protocol in PATHS if protocol != "native"] + found


async def _against_native(door: Bench, protocol: str, events: int) -> Row:
    """CPU of the door's process per event / the same of native touchpoints, on a real broker."""

    async def theirs(run: int) -> float:
        return await door.answer(_requests(door.key, protocol, run, events), events)

    async def native(run: int) -> float:
        return await door.answer(_requests(door.key, "native", run, events), events)

    await theirs(100)
    await native(100)
    pairs = await paired(theirs, native, _PAIRS)
    what = f"a batch of {protocol}'s / of native touchpoints, CPU of the door"
    return Row(f"protocols, {protocol}", what, _BOUND, *_told(pairs, events), await door.differing())


def _requests(key: str, protocol: str, run: int, events: int) -> list[bytes]:
    media = _CLOUDEVENTS if protocol == "cloudevents" else "application/json"
    bodies = batches(protocol, run, events, _each(protocol))
    return [post(body, key, PATHS[protocol], media) for body in bodies]


async def _read_against_native(protocol: str, events: int) -> Row:
    """CPU per event, from the request's body to the record's bytes / the same of native touchpoints."""
    theirs, native = _reading(protocol, events), _reading("native", events)
    await theirs(100)
    await native(100)
    pairs = await paired(theirs, native, _PAIRS)
    what = f"a batch of {protocol}'s / of native touchpoints, read to records"
    return Row(f"reading, {protocol}", what, _BOUND, *_told(pairs, events))


def _told(pairs: Sequence[tuple[float, float]], events: int) -> tuple[list[float], str]:
    """The ratios, and what is shown beside them."""
    micros = [sorted(pair[side] for pair in pairs)[len(pairs) // 2] / events * 1e6 for side in (0, 1)]
    beside = f"{micros[0]:.1f} against {micros[1]:.1f} µs CPU per event"
    return [own / other for own, other in pairs], beside


def _each(protocol: str) -> int:
    return MAX_EVENTS if protocol == "ga4" else _BATCH


def _reading(protocol: str, events: int) -> Callable[[int], Awaitable[float]]:
    room = bytearray()

    async def measured(run: int) -> float:
        bodies = batches(protocol, run, events, _each(protocol))
        began = time.process_time()
        _read(_OPENERS[protocol], bodies, room)
        return time.process_time() - began

    return measured


def _read(opened: Callable[[bytes], Parcel], bodies: Sequence[bytes], room: bytearray) -> None:
    for body in bodies:
        parcel = opened(body)
        read, nul = parcel.reader.read, parcel.split.may_hold_nul
        for item in parcel.split.items:
            outcome = read(item, _ARRIVAL, may_hold_nul=nul)
            assert isinstance(outcome, Touchpoint), outcome
            encode_through(outcome, room)
