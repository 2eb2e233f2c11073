"""Every protocol by the name under which its refused items are kept, so that they can be read again."""

from collections.abc import Callable, Mapping
from typing import Final

from services.ingest.protocols import cloudevents, ga4, import_items, native, posthog, rudderstack, segment, snowplow
from services.ingest.protocols.parcel import Reader

_FAMILIES: Final[Mapping[str, Callable[[str], Reader]]] = {
    cloudevents.PROTOCOL: lambda _: cloudevents.READER,
    ga4.PROTOCOL: lambda _: ga4.READER,
    import_items.PROTOCOL: lambda _: import_items.KeptRowReader(),
    native.PROTOCOL: lambda _: native.READER,
    posthog.PROTOCOL: posthog.reader,
    rudderstack.PROTOCOL: rudderstack.reader,
    segment.PROTOCOL: lambda call: segment.Envelope(call=call or None),
    snowplow.PROTOCOL: lambda _: snowplow.READER,
}
"""By the first part of the name (``segment`` of ``segment.track``), what reads an item, given the rest of it."""


def reader_of(protocol: str) -> Reader | None:
    """What reads items kept under that name; None when no protocol here has it."""
    family, _, rest = protocol.partition(".")
    made = _FAMILIES.get(family)
    return made(rest) if made else None
