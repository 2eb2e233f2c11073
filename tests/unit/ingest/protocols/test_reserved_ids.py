"""Ids that our own ways give: a key that everybody can read cannot use them up, whatever protocol it speaks."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pytest

from services.ingest.domain.item_id import SOURCES, check_public, is_reserved
from services.ingest.domain.refusal import Refused
from services.ingest.handlers.hook_providers import own_provider, providers
from services.ingest.handlers.import_mappings import exports
from services.ingest.protocols import native, posthog, rudderstack, segment, snowplow
from services.ingest.protocols.import_rows import RowIds, value_row
from services.ingest.protocols.parcel import Reader
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, as_bytes, taken, turned_down

PUBLIC: Final = msgspec.structs.replace(ARRIVAL, is_public=True, may_split=False)
ROW: Final = RowIds().id_of(value_row({"email": "ida@dairy.example"}))
SPLIT: Final = "split-" + 32 * "0"
CALLS: Final[Mapping[str, tuple[Reader, str, dict[str, Any], str]]] = {
    "native": (native.READER, "id", {"kind": "page_viewed", "identity": {"user_id": "u"}}, "/id"),
    "segment": (segment.Envelope(), "messageId", {"type": "page", "userId": "u"}, "/messageId"),
    "rudderstack": (
        rudderstack.Calls(segment.Envelope(dialect=rudderstack.DIALECT)),
        "messageId",
        {"type": "page", "userId": "u"},
        "/messageId",
    ),
    "posthog": (posthog.Events(), "uuid", {"event": "$pageview", "distinct_id": "u"}, "/uuid"),
    "snowplow": (snowplow.READER, "eid", {"e": "pv", "p": "web", "tv": "js-4", "duid": "d"}, "/eid"),
}


@pytest.mark.parametrize("protocol", CALLS)
@pytest.mark.parametrize("item_id", ["hubspot:1:deal.creation:2:3", "mapped.th_0a:9", "zoho-deals:7:1", ROW, SPLIT])
def test_public_key_cannot_send_it_and_a_secret_one_can(protocol: str, item_id: str) -> None:
    reader, name, call, pointer = CALLS[protocol]
    item = as_bytes({**call, name: item_id})

    refused = turned_down(reader.read(item, PUBLIC, may_hold_nul=False))
    kept = taken(reader.read(item, ARRIVAL, may_hold_nul=False))

    assert (refused.refusal.code, refused.refusal.pointer) == (Code.ID_RESERVED, pointer)
    assert msgspec.json.decode(refused.payload) == {**call, name: item_id}
    assert kept.id == item_id


@pytest.mark.parametrize("protocol", CALLS)
@pytest.mark.parametrize(
    "item_id",
    [
        "9f1c8f1e-6f0f-4f0e-9d9b-3f7f2c1d2a10",
        "9F1C8F1E-6F0F-4F0E-9D9B-3F7F2C1D2A10",
        "9f1c8f1e6f0f4f0e9d9b3f7f2c1d2a10",
        "019ab3f2-7d1c-7b33-9a2e-0b1f6f3c2d11",
        "ajs-next-1795000000000-9f1c8f1e-6f0f-4f0e-9d9b-3f7f2c1d2a10",
        "ajs-9f1c8f1e6f0f4f0e9d9b3f7f2c1d2a10",
        "node-next-1795000000000-9f1c8f1e-6f0f-4f0e-9d9b-3f7f2c1d2a10",
        "node-9f1c8f1e6f0f4f0e9d9b3f7f2c1d2a10-9f1c8f1e-6f0f-4f0e-9d9b-3f7f2c1d2a10",
        "1795000000000-9f1c8f1e-6f0f-4f0e-9d9b-3f7f2c1d2a10",
        "0o5Fs0EELR0fUjHjbCnEtdUwQe3",
        "order:123",
        "Hubspot:1",
        "row-12",
        "rowing:1",
        "split-test-7",
    ],
)
def test_ids_of_client_libraries_and_of_websites_are_theirs(protocol: str, item_id: str) -> None:
    reader, name, call, _ = CALLS[protocol]

    read = taken(reader.read(as_bytes({**call, name: item_id}), PUBLIC, may_hold_nul=False))

    assert read.id == item_id


def test_every_source_of_ours_is_reserved() -> None:
    hooks = {one.mapping.source for one in providers().values()}
    imports = {one.source for export in exports().values() for one in export.touchpoints}

    assert hooks | imports == SOURCES
    assert is_reserved(own_provider({"mapping": {"kind": "a"}}, "mapped.th_0a").mapping.source + ":1")
    assert is_reserved(f"{ROW}-1")


def test_nothing_is_kept_of_somebody_who_denied_whatever_the_id() -> None:
    item = {"id": ROW, "kind": "x_done", "identity": {"user_id": "u"}, "consent": {"analytics": "denied"}}

    refused = turned_down(native.parse(as_bytes(item), PUBLIC))

    assert (refused.refusal.code, refused.payload) == (Code.CONSENT_DENIED, b"")


def test_refusal_names_the_place() -> None:
    with pytest.raises(Refused) as caught:
        check_public("meta:1", "/id")

    assert (caught.value.refusal.code, caught.value.refusal.pointer) == (Code.ID_RESERVED, "/id")
