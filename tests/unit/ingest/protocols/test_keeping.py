"""What somebody wants nothing kept of is not kept, in whatever protocol it is said; all else is kept whole."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from services.ingest.domain.refusal import Refusal
from services.ingest.protocols import import_items, keeping, rudderstack
from services.ingest.protocols.import_rows import Row
from services.ingest.protocols.mapping import compiled
from services.ingest.protocols.outcome import Outcome
from services.ingest.protocols.readers import reader_of
from services.ingest.protocols.webhook import HookReader, provider_of
from shared.contracts.touchpoint import Touchpoint
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import (
    ARRIVAL,
    read_native,
    read_posthog,
    read_rudderstack,
    read_segment,
    taken,
    turned_down,
)

_DENIED = {"analytics": "denied"}
_WHY = Refusal(Code.INVALID_KIND, "/kind", "no kind")
_DECISION = {
    "id": "d",
    "kind": "consent_updated",
    "occurred_at": "2023-11-14T00:00:00Z",
    "identity": {"user_id": "u", "anonymous_id": "a"},
    "consent": _DENIED,
}
_TOLD = {
    "traits": {"city": "Vejle", "email": "a@b.example"},
    "page": {"url": "https://shop.example/secret?utm_source=x&gclid=1"},
    "campaign": {"source": "s"},
    "value": {"amount": "1", "currency": "EUR"},
    "properties": {"secret": 1},
    "context": {"user_agent": "Mozilla/5.0 (iPhone)", "locale": "da-DK", "ip": "203.0.113.7"},
}


def _read(protocol: str) -> Callable[[Any], Outcome]:
    reader = reader_of(protocol)
    assert reader is not None
    return lambda item: reader.read(msgspec.json.encode(item), ARRIVAL, may_hold_nul=False)


def _kept(outcome: Outcome) -> Any:
    payload = turned_down(outcome).payload
    return msgspec.json.decode(payload) if payload else None


def test_decision_to_deny_is_kept_without_what_it_was_told_with() -> None:
    kept = keeping.of_decision(taken(read_native({**_DECISION, **_TOLD})))
    bare = taken(read_native({**_DECISION, "traits": {"email": "a@b.example"}}))

    assert len(kept.keys) == 3
    assert kept == Touchpoint(
        workspace=ARRIVAL.workspace,
        id="d",
        kind="consent_updated",
        channel="web",
        occurred_at=bare.occurred_at,
        received_at=ARRIVAL.received_at,
        keys=bare.keys,
        consent=_DENIED,
        channel_rule="direct",
    )


def test_channel_by_which_a_decision_was_told_is_kept_where_it_is_said() -> None:
    kept = keeping.of_decision(taken(read_native({**_DECISION, **_TOLD, "channel": "phone"})))

    assert (kept.channel, kept.channel_rule) == ("phone", "said")


def test_decision_of_a_tag_manager_is_kept_without_what_it_was_told_with() -> None:
    kept = keeping.of_decision(
        taken(
            read_segment(
                {
                    "type": "track",
                    "event": "Segment Consent Preference Updated",
                    "userId": "u",
                    "messageId": "m",
                    "properties": {"secret": 1},
                    "context": {
                        "page": {"url": "https://shop.example/secret"},
                        "consent": {"categoryPreferences": {"Analytics": False}},
                    },
                }
            )
        )
    )

    assert (kept.kind, kept.keys, kept.consent, kept.protocol) == (
        "consent_updated",
        ("5user_id:u",),
        _DENIED,
        "segment",
    )
    assert (kept.page, bytes(kept.properties), bytes(kept.context)) == (None, b"{}", b"{}")


@pytest.mark.parametrize("said", [{}, {"marketing": "denied"}, {"analytics": "granted", "profiling": "denied"}])
def test_what_does_not_deny_analytics_is_kept_whole(said: dict[str, str]) -> None:
    touchpoint = taken(read_native({**_DECISION, **_TOLD, "consent": said}))

    assert keeping.of_decision(touchpoint) is touchpoint


@pytest.mark.parametrize(
    ("read", "item"),
    [
        (read_native, {"kind": "Bad Kind", "identity": {"user_id": "u"}, "consent": {"Analytics": "DENIED"}}),
        (read_native, {"kind": "x", "consent": {"analytics_storage": False}}),
        (read_native, {"kind": "x", "context": {"consent": {"analytics": "denied"}}, "identity": 5}),
        (read_segment, {"type": "track", "context": {"consent": {"categoryPreferences": {"Analytics": False}}}}),
        (read_rudderstack, {"type": "track", "context": {"consentManagement": {"deniedConsentIds": ["analytics"]}}}),
        (read_posthog, {"event": "x", "properties": {"consent": {"analytics_storage": "denied"}}}),
        (_read("cloudevents"), {"specversion": "1.0", "type": "a.b", "data": {"consent": {"analytics": "denied"}}}),
        (
            _read("cloudevents"),
            {"specversion": "1.0", "type": "a.b", "data_base64": "eyJjb25zZW50Ijp7ImFuYWx5dGljcyI6ImRlbmllZCJ9fQ=="},
        ),
        (_read("ga4"), {"client_id": "c", "consent": {"analytics_storage": "DENIED"}, "events": [{"name": 5}]}),
        (_read("import"), {"kind": "x", "consent.analytics": "FALSE", "city": "Vejle"}),
    ],
)
def test_what_denies_is_withheld_whatever_else_is_wrong_with_it(read: Callable[[Any], Outcome], item: Any) -> None:
    outcome = turned_down(read(item))

    assert (outcome.refusal.code, outcome.payload) == ("consent_denied", b"")


@pytest.mark.parametrize(
    ("read", "item"),
    [
        (read_native, {**_DECISION, "occurred_at": "yesterday"}),
        (
            _read("ga4"),
            {
                "client_id": "c",
                "consent": {"analytics_storage": "DENIED"},
                "events": [{"name": "consent_updated", "params": 5}],
            },
        ),
    ],
)
def test_decision_to_deny_that_is_at_fault_is_told_its_fault(read: Callable[[Any], Outcome], item: Any) -> None:
    assert turned_down(read(item)).refusal.code in {"invalid_instant", "wrong_type"}


@pytest.mark.parametrize("said", ["no", 0, None, [], {"analytics": "granted"}])
def test_of_consent_that_cannot_be_read_is_kept_what_a_repair_needs(said: Any) -> None:
    item = {**_DECISION, **_TOLD, "kind": "page_viewed", "consent": {"analytics": said}}
    refused = turned_down(read_native(item))

    assert (refused.id, refused.refusal.code, refused.refusal.pointer) == ("d", "unknown_value", "/consent/analytics")
    assert msgspec.json.decode(refused.payload) == {
        "id": "d",
        "kind": "page_viewed",
        "occurred_at": "2023-11-14T00:00:00Z",
        "identity": _DECISION["identity"],
        "consent": {"analytics": said},
        "traits": {"email": "a@b.example"},
    }


@pytest.mark.parametrize(
    ("read", "item"),
    [
        (read_native, {"kind": "x", "consent": "denied", "identity": {"user_id": "u"}, "properties": {"secret": 1}}),
        (read_native, {"kind": "Bad Kind", "consent": {"analytics": "no"}, "properties": {"secret": 1}}),
        (read_native, {"kind": "x", "consent": {"tracking": "no"}, "properties": {"secret": 1}}),
        (
            _read("cloudevents"),
            {
                "specversion": "1.0",
                "id": "1",
                "source": "/s",
                "type": "tragt.touchpoint",
                "data": {"kind": "x", "consent": {"analytics": "no"}, "properties": {"secret": 1}},
            },
        ),
        (_read("import"), {"kind": "x", "user_id": "u", "consent.analytics": "no", "secret": "1"}),
        (read_native, {**_DECISION, "occurred_at": "yesterday", "properties": {"secret": 1}}),
        (
            read_segment,
            {
                "type": "track",
                "event": "Segment Consent Preference Updated",
                "properties": {"secret": 1},
                "context": {"page": {"url": "secret"}, "consent": {"categoryPreferences": {"Analytics": False}}},
            },
        ),
    ],
)
def test_less_is_kept_of_what_cannot_be_read_or_decided(read: Callable[[Any], Outcome], item: Any) -> None:
    kept = _kept(read(item))

    assert "consent" in repr(kept)
    assert "secret" not in repr(kept)
    assert "kind" in repr(kept) or kept["event"]


@pytest.mark.parametrize(
    "item",
    [
        {"kind": "Bad Kind", "consent": {"analytics": "granted", "marketing": "denied"}, "properties": {"n": 1}},
        {"kind": "x", "consent": {"marketing": "perhaps"}, "properties": {"n": 1}},
        {"kind": "Bad Kind", "properties": {"consent": "yes", "n": 1}},
        {"kind": "Bad Kind", "context": {"consent": "yes"}},
    ],
)
def test_what_does_not_deny_is_kept_whole_when_it_is_refused(item: Any) -> None:
    assert _kept(read_native(item)) == item


@pytest.mark.parametrize("name", ["consnt", "Consent", "consents"])
def test_of_consent_under_a_name_that_is_nearly_it_is_kept_what_a_repair_needs(name: str) -> None:
    who = {"kind": "page_viewed", "identity": {"user_id": "u"}, name: _DENIED}

    assert _kept(read_native({**who, **_TOLD})) == {**who, "traits": {"email": "a@b.example"}}
    read_otherwise = {**who, "consent": {"analytics": "granted"}, "propertie": {"n": 1}}
    assert _kept(read_native(read_otherwise)) == read_otherwise


@pytest.mark.parametrize(
    ("body", "is_kept"),
    [
        (b'[{"kind":"x"},{"consent":{"analytics":"denied"}}]', False),
        (b'{"touchpoints":[{"consent":{"analytics":"no"}}]}', False),
        (b'{"batch":[{"context":{"consent":{"categoryPreferences":{"Analytics":false}}}}]}', False),
        (b'{"kind":"x","consent":{"analytics":"denied"}', False),
        (b'{"n":NaN,"Consent":{"categoryPreferences":{"Analytics": false', False),
        (b'{"kind":"x","cons\\u0065nt":{"analytics":"denied"}}', False),
        (b'{"n":NaN,"consent":{"analytics":"granted"},"properties":{"is_new":false}}', True),
        (b'[{"kind":"x","consent":{"analytics":"granted"}}]', True),
        (b"[7]", True),
        (b"consent", True),
    ],
)
def test_bodies_that_are_refused_whole(body: bytes, is_kept: bool) -> None:
    assert keeping.of_refused(body, _WHY) == (body if is_kept else b"")


def test_together_refused_events_are_kept_each_by_itself() -> None:
    together = rudderstack.Together(rudderstack.reader("").envelope, rudderstack.NOBODY)
    denied = {"context": {"consentManagement": {"deniedConsentIds": ["analytics"]}}, "properties": {"n": 1}}

    def payload(item: Any) -> bytes:
        return turned_down(together.read(msgspec.json.encode(item), ARRIVAL, may_hold_nul=False)).payload

    assert (payload(denied), payload({"event": "x"})) == (b"", b'{"event":"x"}')


@pytest.mark.parametrize(("word", "is_kept"), [("ja", True), ("nej", False), ("perhaps", False)])
@pytest.mark.parametrize("fault", [{"at": "yesterday"}, {"amount": "much"}])
def test_row_and_delivery_are_kept_whole_or_not_at_all(word: str, is_kept: bool, fault: dict[str, str]) -> None:
    """Only the mapping knows where in them consent is told."""
    mapping = {
        "kind": "'thing_done'",
        "identity": {"email": "mail"},
        "traits": {"plan": "plan"},
        "consent": {"analytics": {"at": "samtykke", "map": {"ja": "granted", "nej": "denied"}, "otherwise": "hm"}},
        "occurred_at": "at",
        "value": {"amount": "amount", "currency": "'EUR'"},
    }
    said = {"mail": "a@b.example", "samtykke": word, "plan": "p", **fault}
    provider = provider_of("acme", {"title": "A", "body": "json", "mapping": mapping})
    row = import_items.numbered(1, "r", Row(msgspec.json.encode(said), said, None))

    hooked = HookReader(provider).read(msgspec.json.encode(said), ARRIVAL, may_hold_nul=False)
    imported = import_items.RowReader("i", compiled(mapping)).read(row, ARRIVAL, may_hold_nul=False)

    assert [_kept(one) for one in (hooked, imported)] == [said if is_kept else None] * 2
    is_withheld = [turned_down(one).refusal.code == "consent_denied" for one in (hooked, imported)]
    assert is_withheld == [word == "nej"] * 2
