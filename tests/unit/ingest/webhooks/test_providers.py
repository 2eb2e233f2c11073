"""Every provider's file against its examples, and against anything at all."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.domain.refusal import Refused
from services.ingest.handlers.hook_providers import hook_reader_of, providers
from services.ingest.protocols.mapping import native_of
from services.ingest.protocols.outcome import Rejected
from services.ingest.protocols.webhook import open_hook, provider_of
from services.ingest.protocols.webhook_handshakes import HANDSHAKES
from services.ingest.protocols.webhook_signatures import VERIFIERS
from services.scoring.domain import sameness
from shared.clock import DAY
from shared.contracts.codec import encode
from shared.contracts.touchpoint import Touchpoint
from shared.vocabulary import Code
from tests.unit.ingest.protocols.arrivals import ARRIVAL, NOW
from tests.unit.ingest.webhooks.cases import EXAMPLES, Case, all_cases, cases_of, differences, knock, read

_PROVIDERS = Path(__file__).parents[4] / "services/ingest/providers"


@pytest.mark.parametrize("case", all_cases(), ids=str)
def test_an_example_becomes_its_touchpoints(case: Case) -> None:
    outcomes = read(case.provider, case.body, case.content_type)

    assert len(outcomes) == len(case.touchpoints), outcomes
    assert [differences(*pair) for pair in zip(outcomes, case.touchpoints, strict=True)] == [[]] * len(outcomes)


def test_salesforce_takes_amounts_without_a_currency_in_the_hooks() -> None:
    document = yaml.safe_load((_PROVIDERS / "salesforce.yaml").read_text(encoding="utf-8"))
    provider = provider_of("salesforce", document, "th_1", {"currency": ["DKK"]})
    (case,) = [one for one in cases_of("salesforce") if "without a currency" in one.name]
    parcel = open_hook(provider, knock(case.body))

    (outcome,) = [parcel.reader.read(item, ARRIVAL, may_hold_nul=False) for item in parcel.split.items]

    assert differences(outcome, {"value": {"amount": "900", "currency": "DKK"}}) == []


@pytest.mark.parametrize("case", all_cases(), ids=str)
def test_a_retry_has_the_same_ids(case: Case) -> None:
    def ids() -> list[str]:
        return [outcome.id for outcome in read(case.provider, case.body, case.content_type)]

    assert ids() == ids()
    assert len(set(ids())) == len(ids())


@pytest.mark.parametrize("case", all_cases(), ids=str)
def test_a_retry_a_day_later_says_the_same(case: Case) -> None:
    later = msgspec.structs.replace(ARRIVAL, received_at=NOW + DAY)
    parcel = open_hook(providers()[case.provider], knock(case.body, case.content_type, now=NOW + DAY))
    retried = [parcel.reader.read(item, later, may_hold_nul=False) for item in parcel.split.items]

    for first, again in zip(read(case.provider, case.body, case.content_type), retried, strict=True):
        assert isinstance(first, Touchpoint)
        assert isinstance(again, Touchpoint)
        assert (again.id, again.strand) == (first.id, first.strand)
        assert sameness.differences(*(sameness.read(encode(one)) for one in (first, again))) == ()


@pytest.mark.parametrize("case", all_cases(), ids=str)
def test_what_is_not_there_is_no_text_that_says_so(case: Case) -> None:
    provider = providers()[case.provider]
    for raw in open_hook(provider, knock(case.body, case.content_type)).split.items:
        for item in _each_without_one(msgspec.json.decode(raw)):
            try:
                native = native_of(provider.mapping, item)
            except Refused:
                continue
            words = {word for text in _texts(native) for word in re.split(r"[:|]", text)}
            assert not words & {"null", "None", "undefined"}, item


def _each_without_one(value: Any) -> Iterator[Any]:
    """The value, and it once without each member of an object in it."""
    yield value
    if isinstance(value, dict):
        for name, inner in value.items():
            rest = {other: kept for other, kept in value.items() if other != name}
            yield rest
            yield from ({**value, name: less} for less in _each_without_one(inner))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], less, *value[place + 1 :]] for less in _each_without_one(inner))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


@pytest.mark.parametrize("name", providers())
def test_every_provider_has_examples_and_names_what_there_is(name: str) -> None:
    provider = providers()[name]

    assert (EXAMPLES / f"{name}.yaml").exists()
    assert provider.signature in {"", *VERIFIERS}
    assert provider.handshake in {"", *HANDSHAKES}
    assert hook_reader_of(f"hook.{name}") is not None


@pytest.mark.parametrize("name", providers())
def test_what_is_no_request_of_the_provider_is_kept_whole(name: str) -> None:
    outcomes = read(name, b"\xff\xfe{", "text/plain")

    assert [outcome for outcome in outcomes if not isinstance(outcome, Rejected)] == []


@pytest.mark.parametrize("name", providers())
@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"{}," * 333_000 + b"{}]",
        b"[" + b"null," * 200_000 + b"1]",
        b'{"data":[' + b"[{}]," * 190_000 + b"{}]}",
        b"[" * 500_000,
        b"<xml>" + b"<a/>" * 250_000 + b"</xml>",
        b"a" + b"[b]" * 300_000 + b"=1",
        b'{"user_column_data":[' + b'{"column_id":"a","string_value":"b"},' * 25_000 + b"{}]}",
    ],
    ids=["objects", "nulls", "lists", "depth", "elements", "brackets", "fields"],
)
@pytest.mark.timeout(10)
def test_a_body_as_large_as_may_be_is_opened_in_no_time(name: str, body: bytes) -> None:
    begun = time.process_time()
    read(name, body, "")

    assert time.process_time() - begun < 2


def test_the_page_about_adding_a_provider_names_every_signature() -> None:
    page = (Path(__file__).parents[4] / "docs" / "connect" / "adding-a-provider.md").read_text(encoding="utf-8")
    table = page.partition("## Signatures there are")[2].partition("## ")[0]

    assert sorted(re.findall(r"^\| `([a-z_]+)` \|", table, re.MULTILINE)) == sorted(VERIFIERS)


def test_an_item_larger_than_any_provider_writes_is_refused() -> None:
    body = msgspec.json.encode([{"event": "open", "email": "a@b.dk", "sg_event_id": "e", "x": "y" * 300_000}])
    (outcome,) = read("sendgrid", body)

    assert isinstance(outcome, Rejected)
    assert (outcome.id, outcome.refusal.code) == ("sendgrid:e", Code.TOO_LARGE)


_PIECES = st.sampled_from(
    [case.body[begin:end] for case in all_cases() for begin, end in ((0, 40), (20, 200), (100, None), (0, None))]
)
_BODIES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.one_of(_PIECES, st.binary(max_size=8)), max_size=4).map(b"".join),
    st.sampled_from(
        [b"--x\r\n", b"--\r\n\r\n--", b"<a>" * 50, b"<!DOCTYPE a><a/>", b"a[" * 40 + b"=1", b"\0", b"%00=%00"]
    ),
)


@given(st.sampled_from(sorted(providers())), _BODIES, st.sampled_from(["", "multipart/form-data; boundary=x", "a/b;c"]))
@settings(max_examples=600, deadline=None)
def test_any_bytes_are_taken_or_refused(name: str, body: bytes, content_type: str) -> None:
    parcel = open_hook(providers()[name], knock(body, content_type))

    for item in parcel.split.items if parcel.split.refusal is None else ():
        assert isinstance(parcel.reader.read(item, ARRIVAL, may_hold_nul=False), Touchpoint | Rejected)
        assert isinstance(parcel.reader.read(body, ARRIVAL, may_hold_nul=False), Touchpoint | Rejected)
