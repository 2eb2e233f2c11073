"""What is fuzzed: each parser with the inputs it is begun from, and how it may refuse one.

A target takes any bytes. Whatever it raises beyond ``refusals`` is a finding, and so is a false assertion in it.
"""

import asyncio
import base64
import gzip
import re
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import cramjam
import lzstring
import msgspec
import yaml

from services.cli.costs.lines import UnreadableExport
from services.ingest.domain.bots import bot_of
from services.ingest.domain.consent import from_tcf
from services.ingest.domain.device import device_of, software_of
from services.ingest.domain.file_import import ROWS_AT_ONCE, Format
from services.ingest.domain.instant import parse_instant
from services.ingest.domain.kind import kind_of_event
from services.ingest.domain.landing import read_address
from services.ingest.domain.machine import machine_of
from services.ingest.domain.merge_patch import merged
from services.ingest.domain.policy import InvalidPolicy, read_policy
from services.ingest.domain.proxy import Proxies, hops_of, network
from services.ingest.domain.refusal import Refused
from services.ingest.domain.site import foreign_site
from services.ingest.domain.target import location_of, origin_of
from services.ingest.handlers.hook_providers import own_provider, providers
from services.ingest.handlers.import_files import batches_of
from services.ingest.handlers.import_mappings import exports
from services.ingest.protocols import lz_string, native
from services.ingest.protocols.click_token import seal, unseal
from services.ingest.protocols.cloudevents_envelope import UnknownFormat, open_event, open_records
from services.ingest.protocols.compression import decompressed
from services.ingest.protocols.ga4 import open_collected
from services.ingest.protocols.ga4_limits import messages_of
from services.ingest.protocols.hook_trial import Sample, shown, tried
from services.ingest.protocols.import_items import RowReader, items_of_row, numbered
from services.ingest.protocols.import_ready import Ready, ready_of
from services.ingest.protocols.import_rows import CsvRows, NdjsonRows, Row, RowIds, Rows, UnreadableFile
from services.ingest.protocols.links import Route, Visit, item_of, person_of, read_link
from services.ingest.protocols.mapping import InvalidMapping, compiled
from services.ingest.protocols.outcome import Outcome, Rejected
from services.ingest.protocols.parcel import Parcel
from services.ingest.protocols.posthog_body import fields_of, unwrapped
from services.ingest.protocols.posthog_envelope import open_events
from services.ingest.protocols.readers import reader_of
from services.ingest.protocols.rudderstack import as_rudderstack
from services.ingest.protocols.segment import CALLS
from services.ingest.protocols.segment_envelope import open_batch, open_single
from services.ingest.protocols.segment_pixel import item_of_query
from services.ingest.protocols.snowplow import Around
from services.ingest.protocols.snowplow_envelope import open_address, open_posted, open_redirect, parameters
from services.ingest.protocols.splitting import split_native
from services.ingest.protocols.webhook import Knock, Known, Wanted, open_hook
from services.ingest.protocols.webhook_bodies import BODIES
from services.ingest.protocols.webhook_handshakes import HANDSHAKES
from services.ingest.protocols.webhook_signatures import VERIFIERS, credentials
from services.scoring.domain import model_file
from services.scoring.domain.condition import InvalidModel
from shared.clock import SECOND
from shared.contracts.codec import decode_touchpoint, encode
from shared.contracts.touchpoint import Touchpoint
from shared.errors import Declined
from tests.chaos.fuzz import costs, vectors
from tests.chaos.fuzz.connection import serve_bytes
from tests.chaos.fuzz.files import parquet_files
from tests.chaos.fuzz.request import MAX_BYTES, MAX_ITEMS, NOW, SECRET, Request, Seed, taken_apart
from tests.unit.ingest.protocols.exports import BESIDE, ready, sample
from tests.unit.ingest.webhooks.notification_service import CERTIFICATE, certificate
from tests.unit.ingest.webhooks.signing import SECRETS, SETTINGS, SIGNERS

_NATIVE: Final = b'{"kind":"page_viewed","identity":{"user_id":"u-1"}}'
_SEGMENT: Final = b'{"type":"track","event":"Seen","userId":"u-1"}'
_POSTHOG: Final = b'{"event":"seen","distinct_id":"u-1"}'
_SNOWPLOW: Final = b'{"e":"pv","uid":"u-1"}'
_GA4: Final = b'{"client_id":"c","events":[{"name":"purchase","params":{}}]}'
_CLOUDEVENT: Final = b'{"specversion":"1.0","id":"1","source":"/s","type":"tragt.touchpoint","data":{}}'

_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""Escaped in JSON, and not the text of that escape."""

_SIGNED_IN_JSON: Final = {"mailgun", "google_key", "sns"}
"""Verifiers whose signature stands in the body, which has another form too."""

_CSV_MAPPING: Final = compiled(
    {"kind": "kind", "identity": {"email": "email"}, "occurred_at": "when", "properties": {"*": "@"}}
)


@dataclass(frozen=True, slots=True)
class Target:
    """A parser, its seeds, and what it may raise."""

    take: Callable[[Request], None]
    seeds: Callable[[], Sequence[Seed]]
    refusals: tuple[type[Exception], ...] = (Declined,)


def check(parcel: Parcel, request: Request) -> None:
    """What becomes of every item is something the log takes."""
    items = parcel.split.items if parcel.split.refusal is None else ()
    for item in items:
        _check(parcel.reader.read(item, request.arrival, may_hold_nul=parcel.split.may_hold_nul), request)


def _check(outcome: Outcome, request: Request) -> None:
    assert outcome.id
    if isinstance(outcome, Touchpoint):
        written = encode(outcome)
        again = decode_touchpoint(written)
        assert 0 <= again.occurred_at <= again.received_at == NOW
        assert not _NUL.search(written)
        return
    msgspec.json.encode(outcome)
    _read_again(outcome, request)


def _read_again(outcome: Rejected, request: Request) -> None:
    """A refused item may be sent again alone by any name; that does not raise either."""
    reader = reader_of("native")
    assert reader is not None
    reader.read(outcome.payload, request.arrival, may_hold_nul=b"\\u0000" in outcome.payload)


def _native(request: Request) -> None:
    check(Parcel(split_native(request.body, MAX_ITEMS), native.READER), request)


def _segment(request: Request) -> None:
    call = request.text("call")
    opened = [open_single(request.body, call if call in CALLS else "track"), open_batch(request.body, MAX_ITEMS)]
    opened.append(open_single(item_of_query(request.query), "page"))
    for parcel in opened:
        check(parcel, request)
        check(as_rudderstack(parcel), request)


def _posthog(request: Request) -> None:
    query = fields_of(request.query)
    encoding = request.headers.get(b"content-encoding", b"")
    payload = unwrapped(request.body, query, encoding, MAX_BYTES)
    requested_at = request.text("posthog-request-timestamp")
    check(open_events(payload, query, MAX_ITEMS, engages=b"engage" in request.headers), request)
    check(open_events(payload, query, MAX_ITEMS, requested_at=requested_at), request)


def _snowplow(request: Request) -> None:
    query = parameters(request.query)
    around = Around(query, {"ua": request.text("user-agent"), "url": request.text("referer")})
    check(open_posted(request.body, around, MAX_ITEMS), request)
    check(open_address(around), request)
    check(open_redirect(query.get("u", "https://x.example/"), around), request)


def _ga4(request: Request) -> None:
    stream = dict(parameters(request.query))
    check(open_collected(request.body, stream), request)
    msgspec.json.encode(messages_of(request.body, stream))


def _cloudevents(request: Request) -> None:
    content_type = request.text("content-type")
    check(open_event(content_type, request.headers, request.body, MAX_ITEMS), request)


def _cloudevents_of_kafka(request: Request) -> None:
    named = [(name.decode("utf-8", "replace"), value) for name, value in request.headers.items()]
    check(open_records([(named, request.body), ([], request.body), (named, b"")]), request)


def _compression(request: Request) -> None:
    assert len(decompressed(request.body, request.headers.get(b"content-encoding", b""), MAX_BYTES)) <= MAX_BYTES


def _lz_string(request: Request) -> None:
    assert len(lz_string.from_base64(request.body, MAX_BYTES)) <= 3 * MAX_BYTES


def _knock(request: Request, method: str = "POST") -> Knock:
    return Knock(
        method=method,
        url="https://ingest.example.com/h",
        query=parameters(request.query),
        headers=request.headers,
        body=request.body,
        now=NOW,
    )


def _webhook(request: Request) -> None:
    provider = providers().get(request.text("provider"))
    for one in (provider,) if provider else (providers()["sendgrid"], providers()["unbounce"]):
        check(open_hook(one, _knock(request)), request)


def _verifier(request: Request) -> None:
    asked, knock, hello = request.text("signature"), _knock(request), _knock(request, "GET")
    for name in (asked,) if asked in VERIFIERS else sorted(VERIFIERS):
        known = Known(secrets=SECRETS[name], settings=SETTINGS.get(name, {}), window_seconds=300)
        verdict = VERIFIERS[name](knock, known)
        if isinstance(verdict, Wanted):
            pem = certificate() if verdict.address == CERTIFICATE else request.body
            fetched = {verdict.address: pem}
            VERIFIERS[name](knock, _with(known, fetched))
        for greet in HANDSHAKES.values():
            msgspec.json.encode(greet(hello, known))
    guarded = Known(secrets={"basic": ["u:p"], "header": ["X-Key: k"]}, settings={}, window_seconds=300)
    credentials(knock, guarded)


def _with(known: Known, fetched: Mapping[str, bytes]) -> Known:
    """What is known, and what was fetched."""
    return Known(secrets=known.secrets, settings=known.settings, window_seconds=300, fetched=fetched)


def _mapped_hook(request: Request) -> None:
    """A hostile document on a body: the document is the query, the body its sample."""
    provider = own_provider(msgspec.json.decode(request.query))
    msgspec.json.encode([shown(one) for one in tried(provider, Sample(request.body, "application/json"), NOW)])


def _bodies(request: Request) -> None:
    for read in BODIES.values():
        try:
            msgspec.json.encode(read(request.body, request.text("content-type"), "payload"))
        except (Refused, UnicodeEncodeError):
            continue


def _rows(request: Request) -> None:
    """CSV and lines of JSON, fed in pieces."""
    size = int(request.query) if request.query.isdigit() and len(request.query) < 6 else MAX_BYTES
    for rows in (CsvRows(), NdjsonRows()):
        try:
            _read_rows(_fed(rows, request.body, max(1, size, len(request.body) // 200)), request)
        except UnreadableFile:
            continue


def _fed(rows: Rows, body: bytes, size: int) -> Iterator[Row]:
    for at in range(0, len(body), size):
        yield from rows.feed(body[at : at + size])
    yield from rows.end()


def _read_rows(rows: Iterator[Row], request: Request) -> None:
    ids = RowIds()
    readers = (RowReader("i", None), RowReader("i", _CSV_MAPPING))
    for number, row in enumerate(rows, 1):
        if number > ROWS_AT_ONCE:  # what one turn takes is what may be slow
            continue
        item = numbered(number, ids.id_of(row), row)
        for reader in readers:
            _check(reader.read(item, request.arrival, may_hold_nul=False), request)


def _ready_import(request: Request) -> None:
    """An export for a ready mapping: what is said beside it is the query, the file the body."""
    try:
        taken = ready_of(msgspec.json.decode(request.query), exports())
    except _REFUSED_DOCUMENTS:
        return
    for rows in (CsvRows(taken.layout), NdjsonRows()):
        try:
            _read_ready(taken, _fed(rows, request.body, MAX_BYTES), request)
        except UnreadableFile:
            continue


def _read_ready(taken: Ready, rows: Iterator[Row], request: Request) -> None:
    ids, reader = RowIds(), RowReader("i", None)
    for number, row in enumerate(rows, 1):
        if number > ROWS_AT_ONCE:
            continue
        taken.reads_any_of([row.value or {}])
        for item in items_of_row(taken, number, ids.id_of(row), row):
            _check(reader.read(item, request.arrival, may_hold_nul=False), request)


_LOOP: Final = asyncio.new_event_loop()


def _files(request: Request) -> None:
    """Whole files as they come, Parquet's and compressed ones too."""
    said = request.query.decode("latin-1")
    file_format = Format(said) if said in set(Format) else Format.PARQUET

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(request.body), 64 * 1024):
            yield request.body[at : at + 64 * 1024]

    async def read() -> list[Row]:
        return [row async for batch in batches_of(file_format, pieces()) for row in batch]

    _read_rows(iter(_LOOP.run_until_complete(read())), request)


def _links(request: Request) -> None:
    for route in Route:
        link = read_link(route, request.query)
        assert link.is_signed_with(SECRET) in {True, False}
        person_of(link, SECRET)
        machine = machine_of(request.text("user-agent"), request.text("purpose"), "GET")
        visit = Visit(now=NOW, machine=machine, user_agent=request.text("user-agent"), stranger="~x")
        for is_signed in (True, False):
            item = item_of(link, visit, is_signed=is_signed)
            if item is not None:
                _check(native.READER.read(item, request.arrival, may_hold_nul=b"\\u0000" in item), request)
        if origin_of(link.get("to")) is not None:
            location_of(link.get("to"), "token").encode("ascii")
    unseal(request.body.decode("latin-1"), NOW, SECRET)


def _merge_patch(request: Request) -> None:
    msgspec.json.decode(merged(request.body, msgspec.json.decode(request.query, type=dict[str, object])))


def _words(request: Request) -> None:
    """What headers and short texts are read as."""
    for text in (request.query.decode("utf-8", "replace"), request.body.decode("utf-8", "replace")):
        read_address(text)
        foreign_site(text, "https://shop.example/")
        msgspec.json.encode([kind_of_event(text), device_of(text), software_of(text), bot_of(text), from_tcf(text)])
        Proxies([network("10.0.0.0/8")]).sender("10.0.0.1", hops_of(text) or text)
        if origin_of(text) is not None:
            location_of(text, "t").encode("ascii")
        try:
            parse_instant(text, "")
        except Refused:
            continue


def _policy(request: Request) -> None:
    read_policy(request.body)


def _model(request: Request) -> None:
    model_file.checked(model_file.read(request.body.decode("utf-8", "replace")))


def _connection(request: Request) -> None:
    """Bytes of a connection: what was said before the blank line belongs to the head."""
    serve_bytes(_LOOP, request.query, request.body)


def _of(*bases: bytes, wrap: bytes = b"%s", headers: Mapping[str, str] | None = None) -> Callable[[], list[Seed]]:
    """The objects of the corpus, and each base with their members in it."""

    def seeds() -> list[Seed]:
        items = [*vectors.objects(), *(one for base in bases for one in vectors.within(base))]
        return [Seed(wrap.replace(b"%s", one), headers=headers or {}) for one in items]

    return seeds


def _texts_and_objects() -> list[Seed]:
    return [Seed(text) for text in (*vectors.texts(), *vectors.objects())]


def _both(*several: Callable[[], list[Seed]]) -> Callable[[], list[Seed]]:
    return lambda: [seed for seeds in several for seed in seeds()]


def _queries(body: bytes = b"") -> Callable[[], list[Seed]]:
    return lambda: [Seed(body, query=query, headers={"user-agent": "Mozilla/5.0"}) for query in vectors.addresses()]


def _segment_seeds() -> list[Seed]:
    calls = [Seed(one, headers={"call": call}) for call in CALLS for one in vectors.within(_SEGMENT)[::3]]
    return [*calls, *_of(_SEGMENT, wrap=b'{"batch":[%s],"sentAt":"2026-11-25T09:30:00Z"}')(), *_queries()()]


def _posthog_seeds() -> list[Seed]:
    coded = [Seed(b"data=" + base64.b64encode(one), query=b"compression=base64") for one in vectors.objects()[:60]]
    coded += [Seed(gzip.compress(one), query=b"compression=gzip-js&_=1795000000000") for one in vectors.objects()[:60]]
    coded += [Seed(one, query=b"compression=lz64") for one in _lz_texts()]
    properties = [Seed(b'{"event":"seen","distinct_id":"u-1","properties":%s}' % one) for one in vectors.objects()]
    batches = _of(_POSTHOG, wrap=b'{"api_key":"tw_x","batch":[%s]}', headers={"engage": "1"})()
    return [*coded, *properties, *batches, *_of(_POSTHOG)(), *_queries()()]


def _snowplow_seeds() -> list[Seed]:
    payload = b'{"schema":"iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4","data":[%s]}'
    found = _of(_SNOWPLOW, wrap=payload)()
    for one in vectors.objects():
        event = b'{"schema":"iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0","data":%s}'
        described = event % (b'{"schema":"iglu:com.acme/form_submit/jsonschema/1-0-0","data":%s}' % one)
        text = msgspec.json.encode(described.decode("utf-8", "replace"))
        found.append(Seed(payload.replace(b"%s", b'{"e":"ue","uid":"u","ue_pr":%s}' % text)))
        found.append(Seed(query=b"e=ue&uid=u&ue_px=" + base64.urlsafe_b64encode(described)))
    return [*found, *_queries()()]


def _ga4_seeds() -> list[Seed]:
    events = b'{"client_id":"c","events":[{"name":"%n","params":%s}]}'
    names = (b"purchase", b"generate_lead", b"view_item")
    found = [Seed(events.replace(b"%n", name).replace(b"%s", one)) for name in names for one in vectors.objects()]
    return [*found, *_of(_GA4)()]


def _cloudevents_seeds() -> list[Seed]:
    binary = {"ce-id": "1", "ce-source": "/s", "ce-type": "com.acme.demo_requested", "ce-specversion": "1.0"}
    about = b'{"specversion":"1.0","id":"1","source":"/s","subject":"u-1","type":"com.acme.seen","data":%s}'
    structured = {"content-type": "application/cloudevents+json"}
    found = [*_of(_CLOUDEVENT, headers=structured)(), *_of(wrap=about, headers=structured)()]
    found += _of(b'{"user_id":"u-1"}', headers={"content-type": "application/json", **binary})()
    return found + _of(_CLOUDEVENT, wrap=b"[%s]", headers={"content-type": "application/cloudevents-batch+json"})()


def _kafka_seeds() -> list[Seed]:
    about = {"ce_id": "1", "ce_source": "/s", "ce_type": "tragt.touchpoint", "ce_specversion": "1.0"}
    bodies = _of(_NATIVE, headers={"content-type": "application/json", **about})()
    return [*bodies, *_of(_CLOUDEVENT, headers={"content-type": "application/cloudevents+json"})()]


def _compressed_seeds() -> list[Seed]:
    found = [Seed(text, headers={"content-encoding": said}) for text in vectors.texts() for said in ("", "br")]
    for one in vectors.objects()[:60]:
        found += [Seed(gzip.compress(one)), Seed(bytes(cramjam.zstd.compress(one)))]
        found.append(Seed(zlib.compress(one), headers={"content-encoding": "deflate"}))
        found.append(Seed(bytes(cramjam.brotli.compress(one)), headers={"content-encoding": "br"}))
    return found


def _lz_texts() -> list[bytes]:
    return [
        lzstring.LZString().compressToBase64(one.decode("utf-8", "replace")).encode() for one in vectors.objects()[:60]
    ]


def _lz_seeds() -> list[Seed]:
    return [*map(Seed, _lz_texts()), *_texts_and_objects()[:100]]


def _webhook_seeds() -> list[Seed]:
    return [
        Seed(case.body, headers={"provider": case.provider, "content-type": case.content_type})
        for case in vectors.cases()
    ]


def _signed_seeds() -> list[Seed]:
    found: list[Seed] = []
    for case in vectors.cases():
        name = providers()[case.provider].signature
        if name in _SIGNED_IN_JSON and not case.body.startswith(b"{"):
            continue
        signed = SIGNERS[name](case.body, "https://ingest.example.com/h", NOW // SECOND)
        found.append(Seed(signed.body, signed.query.encode(), {"signature": name, **signed.headers}))
    return found


def _mapped_seeds() -> list[Seed]:
    samples = [case.body for case in vectors.cases()[:20]]
    documents = [yaml.safe_load(text) for text in vectors.blocks("yaml")]
    folder = vectors.ROOT / "services/ingest/providers"
    documents += [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yaml"))]
    documents += [value for value in vectors.literals() if isinstance(value, dict) and "kind" in value]
    written = [msgspec.json.encode(one) for one in documents if isinstance(one, dict) and "mapping" in one]
    written += [
        msgspec.json.encode({"mapping": one}) for one in documents if isinstance(one, dict) and "mapping" not in one
    ]
    return [Seed(sample, query=one) for one in written for sample in samples[:4]]


def _row_seeds() -> list[Seed]:
    tables = [block.encode() for block in vectors.blocks("csv")] + [text for text in vectors.texts() if b"," in text]
    return [Seed(one, query=b"7") for one in tables] + _of(b'{"kind":"x","email":"a@shop.example"}')()


def _file_seeds() -> list[Seed]:
    files = [Seed(one, query=b"parquet") for one in parquet_files()]
    return files + [Seed(seed.body, query=said) for seed in _row_seeds()[:80] for said in (b"csv", b"ndjson")]


def _ready_seeds() -> list[Seed]:
    """The exports of the tests with what stands beside them, whole and row by row, as lines of JSON too."""
    found: list[Seed] = []
    for name, beside in BESIDE.items():
        asked = msgspec.json.encode({"ready": name, **beside})
        file = sample(name)
        header, *lines = file.splitlines(keepends=True)
        head = b"" if "header" in beside else header
        rows = CsvRows(ready(name).layout)
        found += [Seed(file, query=asked), *(Seed(head + line, query=asked) for line in lines)]
        found += [Seed(msgspec.json.encode(row.value), query=asked) for row in [*rows.feed(file), *rows.end()]]
        written = {"zone": "Asia/Kolkata", "dates": "dmy", "decimals": "comma", "currency": "DKK"}
        found.append(Seed(file, query=msgspec.json.encode({"ready": name, **beside, **written})))
    return found


def _link_seeds() -> list[Seed]:
    token = seal("user_id:u-1", NOW, SECRET).encode()
    links = (b"k=tw_x&to=https%3A%2F%2Fshop.example%2F&user_id=u-1&s=x", b"k=tw_x&external=hubspot%3A77&campaign=c")
    return [Seed(token, query=query) for query in (*links, *vectors.addresses())]


def _patch_seeds() -> list[Seed]:
    some = vectors.objects()[:300]
    return [Seed(one, query=other.replace(b"\n", b" ")) for one, other in zip(some, reversed(some), strict=True)]


def _model_seeds() -> list[Seed]:
    folder = vectors.ROOT / "services/scoring/templates"
    models = [path.read_bytes() for path in sorted(folder.glob("*.yaml"))]
    models += [block.encode() for block in vectors.blocks("yaml")]
    template = msgspec.json.encode(model_file.loaded(models[0].decode()))
    return [*map(Seed, models), *_of(template)()[::8]]


def _connection_seeds() -> list[Seed]:
    posts = [
        b"POST /v1/touchpoints HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%s" % (len(one), one)
        for one in vectors.objects()[:40]
    ]
    chunked = b"POST /other HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx: y\r\n\r\n"
    plain = b"GET /v1/pixel.gif?k=1 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n"
    return [
        Seed(one, query=size) for one in (*posts, *(post * 3 for post in posts), chunked, plain) for size in (b"", b"5")
    ]


_REFUSED_DOCUMENTS: Final = (InvalidMapping, msgspec.MsgspecError, UnicodeDecodeError, RecursionError)

TARGETS: Final[Mapping[str, Target]] = {
    "native": Target(_native, _both(_of(_NATIVE), _of(_NATIVE, wrap=b'{"touchpoints":[%s]}'))),
    "segment": Target(_segment, _segment_seeds),
    "posthog": Target(_posthog, _posthog_seeds),
    "snowplow": Target(_snowplow, _snowplow_seeds),
    "ga4": Target(_ga4, _ga4_seeds),
    "cloudevents": Target(_cloudevents, _cloudevents_seeds, (Declined, UnknownFormat)),
    "cloudevents_of_kafka": Target(_cloudevents_of_kafka, _kafka_seeds),
    "compression": Target(_compression, _compressed_seeds),
    "lz_string": Target(_lz_string, _lz_seeds),
    "webhook": Target(_webhook, _webhook_seeds),
    "verifier": Target(_verifier, _signed_seeds),
    "mapped_hook": Target(_mapped_hook, _mapped_seeds, _REFUSED_DOCUMENTS),
    "bodies": Target(_bodies, _both(_webhook_seeds, _texts_and_objects)),
    "rows": Target(_rows, _row_seeds),
    "ready_import": Target(_ready_import, _ready_seeds),
    "costs_file": Target(costs.costs_file, costs.file_seeds, (UnreadableExport,)),
    "costs_body": Target(costs.costs_body, costs.body_seeds),
    "files": Target(_files, _file_seeds, (UnreadableFile,)),
    "links": Target(_links, _link_seeds),
    "merge_patch": Target(_merge_patch, _patch_seeds, (ValueError, RecursionError)),
    "words": Target(_words, _texts_and_objects),
    "policy": Target(_policy, _of(b"{}"), (InvalidPolicy,)),
    "model": Target(_model, _model_seeds, (InvalidModel,)),
    "connection": Target(_connection, _connection_seeds),
}


def take(name: str, data: bytes) -> None:
    """Give an input to a target. Raises what is a finding, and nothing for what is refused."""
    target = TARGETS[name]
    try:
        target.take(taken_apart(data))
    except target.refusals:
        return
