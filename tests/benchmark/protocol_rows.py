"""What reading costs in each protocol: a request's bytes to records of the log, beside tragt's own."""

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
from services.ingest.protocols.snowplow_envelope import Around, open_posted
from services.ingest.protocols.splitting import split_native
from shared.clock import SECOND
from shared.contracts.codec import encode_through
from shared.contracts.touchpoint import Touchpoint
from tests.benchmark.measure import REPORT, Bound, Row, paired
from tests.benchmark.protocol_bodies import batches

_BATCH: Final = 100
_PAIRS: Final = 7
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
    """A row for each protocol but our own."""
    events = 5_000 if quick else 25_000
    gc.freeze()
    gc.set_threshold(10_000)  # as the door's process does
    return [await _against_native(protocol, events) for protocol in _OPENERS if protocol != "native"]


async def _against_native(protocol: str, events: int) -> Row:
    """CPU per event, from the request's body to the record's bytes / the same of native touchpoints."""
    theirs, native = _reading(protocol, events), _reading("native", events)
    await theirs(100)
    await native(100)
    pairs = await paired(theirs, native, _PAIRS)
    micros = [sorted(pair[side] for pair in pairs)[len(pairs) // 2] / events * 1e6 for side in (0, 1)]
    beside = f"{micros[0]:.1f} against {micros[1]:.1f} µs CPU per event"
    what = f"protocols, {protocol} / native, a batch read to records"
    return Row(protocol, what, Bound("at most", 1.5, REPORT), [own / other for own, other in pairs], beside)


def _reading(protocol: str, events: int) -> Callable[[int], Awaitable[float]]:
    each = MAX_EVENTS if protocol == "ga4" else _BATCH
    room = bytearray()

    async def measured(run: int) -> float:
        bodies = batches(protocol, run, events, each)
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
