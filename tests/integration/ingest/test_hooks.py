"""Providers deliver to the real door: signed, forged, replayed, with handshakes, and with the database away."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
from sqlalchemy import event

from services.ingest.api import serving
from services.ingest.bootstrap import opened
from services.ingest.domain.hook import ENTROPY_BYTES, mint
from services.ingest.handlers.expiring import expire_tokens
from services.ingest.handlers.hook_cache import HookCache
from shared.clock import SECOND
from shared.errors import NotFound, Transient, Unavailable
from shared.identity_key import email_key
from shared.streaming.ports import Producer
from shared.streaming.types import Append
from tests.ingest_door import OpenDoor, open_door, reaching, with_state
from tests.unit.ingest.webhooks.notification_service import CERTIFICATE, TOPIC, as_body, certificate, message
from tests.unit.ingest.webhooks.signing import SECRETS, SIGNERS, Signed

_EVENT = {"email": "jane@example.com", "timestamp": 1714564800, "event": "open", "sg_event_id": "e1"}
_OLD_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERxw+dYxJBChbun5TEY7Q9SSt6wdX0lvS+Oew1236cUzdUg96yoqLkXrMN/Ud6PDJu+OthYOC5wLcJaEt"
    "CfeoWA=="
)
_MAILGUN = {"event-data": {"event": "opened", "timestamp": 1714564800, "recipient": "jane@example.com"}}


class _AwayOnce:
    """A log that cannot be had the first time."""

    def __init__(self, log: Producer) -> None:
        self._log = log
        self._is_away = True
        self.max_record_bytes = log.max_record_bytes
        self.delivery_deadline_seconds = log.delivery_deadline_seconds

    async def append(self, topic: str, records: Sequence[Append]) -> None:
        if self._is_away:
            self._is_away = False
            raise Unavailable
        await self._log.append(topic, records)

    async def partition_count(self, topic: str) -> int:
        return await self._log.partition_count(topic)

    async def close(self) -> None: ...


async def _made(door: OpenDoor, provider: str, **more: Any) -> str:
    """The path of a new hook."""
    asked = {"provider": provider, **more}
    made = await door.client.post("/v1/hooks", json=asked, headers=_admin(door))
    assert made.status_code == 201, made.text
    path: str = made.json()["path"]
    return path


def _sign(door: OpenDoor, name: str, body: Any, path: str, seconds: int = 0) -> Signed:
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return SIGNERS[name](content, f"http://ingest{path}", door.own.clock.now() // SECOND + seconds)


@asynccontextmanager
async def another_process(door: OpenDoor) -> AsyncIterator[OpenDoor]:
    """A second ingest on the same database and log, which remembers nothing of what the first was sent."""
    async with opened(door.own.settings) as own:
        await own.access.load()
        await own.hooks.load()
        await own.schemas.load()
        transport = httpx.ASGITransport(app=with_state(serving.application(own), own))
        async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
            yield replace(door, own=own, client=client)


async def _deliver(door: OpenDoor, path: str, signed: Signed, **more: str) -> httpx.Response:
    return await door.client.post(f"{path}?{signed.query}", content=signed.body, headers={**signed.headers, **more})


async def test_a_signed_delivery_becomes_a_touchpoint_and_a_forged_one_does_not(door: OpenDoor) -> None:
    path = await _made(door, "sendgrid", secrets=SECRETS["sendgrid"])
    signed = _sign(door, "sendgrid", [_EVENT], path)

    good = await _deliver(door, path, signed)
    forged = await _deliver(door, path, replace(signed, body=signed.body.replace(b"jane", b"jone")))
    late = await _deliver(door, path, _sign(door, "sendgrid", [_EVENT], path, seconds=-90_000))

    assert (good.status_code, good.json()) == (200, {"accepted": 1, "rejected": 0})
    assert (forged.status_code, late.status_code) == (401, 401)
    (touchpoint,) = await door.touchpoints()
    assert (touchpoint.id, touchpoint.kind) == ("sendgrid:e1", "email_opened")
    assert email_key(door.keys.workspace.secret, "jane@example.com") in touchpoint.keys


async def test_a_replayed_token_is_refused_without_being_sent_again(door: OpenDoor) -> None:
    path = await _made(door, "mailgun", secrets=SECRETS["mailgun"])
    signed = _sign(door, "mailgun", _MAILGUN, path)
    other = msgspec.json.decode(signed.body)
    other["event-data"]["recipient"] = "mallory@example.com"

    assert (await _deliver(door, path, signed)).status_code == 200
    assert (await _deliver(door, path, replace(signed, body=msgspec.json.encode(other)))).status_code == 406
    assert len(await door.touchpoints()) == 1


async def test_of_several_deliveries_with_one_token_at_once_one_is_taken(door: OpenDoor) -> None:
    path = await _made(door, "mailgun", secrets=SECRETS["mailgun"])
    signed = _sign(door, "mailgun", _MAILGUN, path)
    others = [signed.body.replace(b"jane@", b"eve%d@" % at) for at in range(8)]

    answers = await asyncio.gather(*(_deliver(door, path, replace(signed, body=body)) for body in others))

    assert sorted(answer.status_code for answer in answers) == [200, *[406] * 7]
    assert len(await door.touchpoints()) == 1


async def test_a_delivery_that_was_not_stored_may_come_again(door: OpenDoor) -> None:
    path = await _made(door, "mailgun", secrets=SECRETS["mailgun"])
    signed = _sign(door, "mailgun", _MAILGUN, path)
    log = _AwayOnce(door.own.producer)
    own = replace(door.own, producer=log)
    transport = httpx.ASGITransport(app=with_state(serving.application(own), own))

    async with httpx.AsyncClient(transport=transport, base_url="http://ingest") as client:
        answers = [await _deliver(replace(door, client=client), path, signed) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [503, 200, 406]
    assert len(await door.touchpoints()) == 1


@pytest.mark.parametrize("provider", ["mailgun", "wechat"])
async def test_a_token_that_one_process_took_is_refused_by_every_other(door: OpenDoor, provider: str) -> None:
    """The body is not signed: whoever saw a request could say anything once to each process, and after each restart."""
    path = await _made(door, provider, secrets=SECRETS[provider])
    body = b"<xml><MsgId>%d</MsgId><FromUserName>o-1</FromUserName><MsgType>text</MsgType></xml>"
    signed = _sign(door, provider, body % 1 if provider == "wechat" else _MAILGUN, path)
    forged = replace(signed, body=signed.body.replace(b"<MsgId>1", b"<MsgId>2").replace(b"jane@", b"mallory@"))
    assert forged.body != signed.body

    first = await _deliver(door, path, signed)
    async with another_process(door) as other:
        again = [await _deliver(other, path, one) for one in (signed, forged)]

    assert first.status_code == 200
    assert {answer.status_code for answer in again} == {406 if provider == "mailgun" else 401}
    assert len(await door.touchpoints()) == 1


async def test_of_several_processes_one_takes_a_token(door: OpenDoor) -> None:
    path = await _made(door, "mailgun", secrets=SECRETS["mailgun"])
    signed = _sign(door, "mailgun", _MAILGUN, path)
    async with another_process(door) as other:
        deliveries = [
            _deliver(one, path, replace(signed, body=signed.body.replace(b"jane@", b"eve%d@" % at)))
            for at, one in enumerate((door, other) * 4)
        ]
        answers = await asyncio.gather(*deliveries)

    assert sorted(answer.status_code for answer in answers) == [200, *[406] * 7]
    assert len(await door.touchpoints()) == 1


async def test_a_token_is_kept_while_it_could_be_presented_and_no_longer(door: OpenDoor) -> None:
    path = await _made(door, "wechat", secrets=SECRETS["wechat"])
    body = b"<xml><MsgId>1</MsgId><FromUserName>o-1</FromUserName><MsgType>text</MsgType></xml>"
    early = _sign(door, "wechat", body, path, seconds=290)  # its clock is ahead of ours
    assert (await _deliver(door, path, early)).status_code == 200
    now = door.own.clock.now()

    async def kept_after(seconds: int) -> int:
        await expire_tokens(door.own.pool, now + seconds * SECOND, asyncio.Event(), chunk=1)
        async with door.own.pool.acquire() as connection:
            return int(await connection.fetchval("SELECT count(*) FROM ingest.hook_token"))

    assert [await kept_after(seconds) for seconds in (0, 595, 605)] == [1, 1, 0]


async def test_what_is_refused_is_kept_and_replayed_by_the_same_provider(door: OpenDoor) -> None:
    path = await _made(door, "sendgrid", secrets=SECRETS["sendgrid"])

    answer = await _deliver(door, path, _sign(door, "sendgrid", [{**_EVENT, "event": "exploded"}], path))
    assert await door.keep() == 1
    (kept,) = (await door.client.get("/v1/rejected", headers=_admin(door))).json()["data"]
    repaired = _EVENT
    at = f"/v1/rejected/{kept['id']}"
    patched = await door.client.patch(at, json={"payload": repaired}, headers=_admin(door))
    replayed = await door.client.post(f"{at}/replay", headers=_admin(door))

    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "rejected": 1})
    assert (kept["id"], kept["code"], kept["protocol"]) == ("sendgrid:e1", "invalid_kind", "hook.sendgrid")
    assert (patched.is_success, replayed.json()["accepted"]) == (True, 1)
    assert [touchpoint.id for touchpoint in await door.touchpoints()] == ["sendgrid:e1"]


def _deal(stage: str, **more: Any) -> dict[str, Any]:
    asked = {"eventId": stage, "subscriptionType": "deal.propertyChange", "objectId": 9, "occurredAt": 1714564800000}
    return {**asked, "propertyName": "dealstage", "propertyValue": stage, **more}


async def test_a_hook_is_told_which_stages_are_won_and_lost(door: OpenDoor) -> None:
    stages = {"won": "closedwon, 77", "lost": ["gone"]}
    told, plain = [
        await _made(door, "hubspot", secrets=SECRETS["hubspot"], **one) for one in ({"settings": stages}, {})
    ]
    events = [_deal(stage) for stage in ("77", "closedwon", "gone", "closedlost")]
    broken = _deal("78", occurredAt="soon")

    answer = await _deliver(door, told, _sign(door, "hubspot", [*events, broken], told))
    await _deliver(door, plain, _sign(door, "hubspot", [_deal("77", eventId=5)], plain))
    assert await door.keep() == 1
    (kept,) = (await door.client.get("/v1/rejected", headers=_admin(door))).json()["data"]
    at = f"/v1/rejected/{kept['id']}"
    mended = {**broken, "occurredAt": 1714564800000, "propertyValue": "77"}
    await door.client.patch(at, json={"payload": mended}, headers=_admin(door))
    again = await door.client.post(f"{at}/replay", headers=_admin(door))

    assert (answer.json(), again.json()["accepted"]) == ({"accepted": 4, "rejected": 1}, 1)
    kinds = {one.id.split(":")[1]: one.kind for one in await door.touchpoints()}
    won, lost = "opportunity_won", "opportunity_lost"
    expected = {"77": won, "closedwon": won, "gone": lost, "closedlost": "deal_updated", "5": "deal_updated"}
    assert kinds == {**expected, "78": won}
    assert {one.protocol for one in await door.touchpoints()} == {"hook.hubspot"}


@pytest.mark.parametrize(
    "said",
    ['{"won": "a\\u0000b"}', '{"won": "a\\ud800"}', '{"a\\ud800": 1}', '{"address": "https://a\\ud800.example"}'],
)
async def test_settings_that_are_no_text_are_refused(door: OpenDoor, said: str) -> None:
    path = await _made(door, "hubspot", secrets=SECRETS["hubspot"])
    at = f"/v1/hooks/{path.rpartition('/')[2]}/settings"

    put = await door.client.put(
        at, content=f'{{"settings": {said}}}', headers={**_admin(door), "content-type": "application/json"}
    )

    assert put.status_code == 422, put.text


async def test_settings_change_and_the_address_stays(door: OpenDoor) -> None:
    path = await _made(door, "hubspot", secrets=SECRETS["hubspot"])
    at = f"/v1/hooks/{path.rpartition('/')[2].rpartition('_')[0]}/settings"
    admin = _admin(door)

    await _deliver(door, path, _sign(door, "hubspot", [_deal("77", eventId=1)], path))
    put = [await door.client.put(at, json={"settings": said}, headers=admin) for said in ({"won": "77"}, {"wno": "77"})]
    await _deliver(door, path, _sign(door, "hubspot", [_deal("77", eventId=2)], path))
    nobody = await door.client.put("/v1/hooks/th_0/settings", json={"settings": {}}, headers=admin)

    assert [*(answer.status_code for answer in put), nobody.status_code] == [204, 422, 404]
    kinds = {one.id.split(":")[1]: one.kind for one in await door.touchpoints()}
    assert kinds == {"1": "deal_updated", "2": "opportunity_won"}


@pytest.mark.parametrize(
    ("provider", "given", "pointer"),
    [
        ("hubspot", {"settings": {"won": []}}, "/settings/won"),
        ("hubspot", {"settings": {"won": {"a": 1}}}, "/settings/won"),
        ("hubspot", {"settings": {"address": "ingest.example.com"}}, "/settings/address"),
        ("hubspot", {"settings": {"address": "https://i.dk/v1/hooks"}}, "/settings/address"),
        ("ses", {"settings": {"topic_arns": "arn:1"}}, "/settings/topic_arns"),
        ("sendgrid", {"secrets": {"public_key": "PUBLIC"}}, "/secrets/public_key"),
        ("sendgrid", {"secrets": {"public_key": "-----BEGIN PRIVATE KEY-----\nMA=="}}, "/secrets/public_key"),
        ("salesforce", {"secrets": {"organization_id": "001000000000001"}}, "/secrets/organization_id"),
        ("meta", {"secrets": {"app_secret": " abc"}}, "/secrets/app_secret"),
        ("meta", {"secrets": {"app_secret": "<your secret>"}}, "/secrets/app_secret"),
        ("meta", {"secrets": {"app_secret": []}}, "/secrets/app_secret"),
        ("postmark", {"secrets": {"basic": "user"}}, "/secrets/basic"),
        ("postmark", {"secrets": {"header": "X-Token abc"}}, "/secrets/header"),
    ],
)
async def test_what_can_be_no_secret_or_setting_is_told_at_once(
    door: OpenDoor, provider: str, given: dict[str, Any], pointer: str
) -> None:
    made = await door.client.post("/v1/hooks", json={"provider": provider, **given}, headers=_admin(door))

    assert made.status_code == 422
    assert [fault["pointer"] for fault in made.json()["errors"]] == [pointer]


async def test_handshakes_are_answered_before_there_is_a_secret(door: OpenDoor) -> None:
    path = await _made(door, "meta", secrets={"verify_token": "verify"})
    asked = {"hub.mode": "subscribe", "hub.verify_token": "verify", "hub.challenge": "<b>1"}

    challenged = await door.client.get(path, params=asked)
    doubted = await door.client.get(path, params={**asked, "hub.verify_token": "guess"})
    delivered = await _deliver(door, path, _sign(door, "meta", {"entry": []}, path))

    assert (challenged.status_code, challenged.text) == (200, "<b>1")
    assert challenged.headers["content-type"].startswith("text/plain")
    assert challenged.headers["x-content-type-options"] == "nosniff"
    assert doubted.status_code == 403
    assert delivered.status_code == 401


async def test_secrets_come_later_and_change_over(door: OpenDoor) -> None:
    path = await _made(door, "sendgrid")
    signed = _sign(door, "sendgrid", [_EVENT], path)
    assert (await _deliver(door, path, signed)).status_code == 401

    put = await door.client.put(
        f"{path}/secrets",
        json={"secrets": {"public_key": [_OLD_KEY, *SECRETS["sendgrid"]["public_key"]]}},
        headers=_admin(door),
    )

    assert put.status_code == 204
    assert (await _deliver(door, path, signed)).status_code == 200


async def test_a_hook_and_its_secrets_are_known_at_once_in_every_process(door: OpenDoor) -> None:
    async with another_process(door) as other:
        path = await _made(door, "sendgrid", secrets={"public_key": _OLD_KEY})
        hello = await other.client.get(path)
        wrong = await _deliver(other, path, _sign(door, "sendgrid", [_EVENT], path))
        put = {"secrets": SECRETS["sendgrid"]}
        assert (await door.client.put(f"{path}/secrets", json=put, headers=_admin(door))).status_code == 204
        taken = await _deliver(other, path, _sign(door, "sendgrid", [_EVENT], path))

    assert (hello.status_code, wrong.status_code, taken.status_code) == (200, 401, 200)


async def test_however_many_ask_for_hooks_that_are_not_there_the_database_is_asked_now_and_then(door: OpenDoor) -> None:
    asked: list[str] = []

    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "ingest.hook" in statement:
            asked.append(statement)

    event.listen(door.own.writer.sync_engine, "before_cursor_execute", count)
    paths = [f"/v1/hooks/meta/{mint(at.to_bytes(ENTROPY_BYTES))}" for at in range(100)]
    answers = await asyncio.gather(*(door.client.post(path) for path in paths))
    known = await door.client.get(await _made(door, "meta"))

    assert ({answer.status_code for answer in answers}, known.status_code) == ({404}, 200)
    lookups = [statement for statement in asked if "SELECT" in statement and " IN " in statement]
    assert 1 <= len(lookups) <= 3


@pytest.mark.parametrize(
    ("provider", "given", "sent", "told"),
    [
        (
            "sendgrid",
            {"secrets": SECRETS["sendgrid"]},
            {},
            "it lacks the header x-twilio-email-event-webhook-signature",
        ),
        (
            "meta",
            {"secrets": SECRETS["meta"]},
            {"x-hub-signature-256": "sha256=00"},
            "does not match the hook's secret",
        ),
        ("hubspot", {"secrets": SECRETS["hubspot"]}, {"x-hubspot-signature": "00"}, "does not match the hook's secret"),
        (
            "calendly",
            {"secrets": SECRETS["calendly"]},
            {"calendly-webhook-signature": "t=1714564800,v1=00"},
            "s old; at most 300 s are taken",
        ),
        ("google_ads", {"secrets": SECRETS["google_key"]}, {}, "its body lacks the google_key"),
        ("sendgrid", {}, {}, "the hook was not given its public_key yet"),
        (
            "postmark",
            {"secrets": {"header": "X-Token: abc"}},
            {"x-token": "abd"},
            "its header x-token is not as the hook",
        ),
        ("postmark", {"secrets": {"basic": "u:p"}}, {}, "it lacks the Basic credentials"),
        ("postmark", {"secrets": {"basic": "u:p"}}, {"authorization": "Basic dTpx"}, "are not the hook's"),
    ],
)
async def test_which_check_failed_is_told(
    door: OpenDoor, provider: str, given: dict[str, Any], sent: dict[str, str], told: str
) -> None:
    path = await _made(door, provider, **given)

    refused = await door.client.post(path, content=b"[]", headers=sent)

    assert (refused.status_code, told in refused.text) == (401, True), refused.text
    scheme = "Basic" if "basic" in given.get("secrets", {}) else "Signature"
    assert refused.headers["www-authenticate"] == f'{scheme} realm="tragt"'


async def test_of_a_header_that_changes_over_either_value_is_taken(door: OpenDoor) -> None:
    path = await _made(door, "brevo", secrets={"header": ["X-Token: old", "x-token: new"]})

    answers = [await door.client.post(path, json=[], headers={"x-token": token}) for token in ("old", "new", "other")]

    assert [answer.status_code for answer in answers] == [200, 200, 401]


async def test_bodies_of_hooks_are_counted_among_what_is_held(database: str, admin_dsn: str) -> None:
    begun, released = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b"[" + b" " * 700_000
        begun.set()
        await released.wait()
        yield b"]"

    async with open_door(database, admin_dsn, INGEST_LIMIT_HELD_BYTES="1048576") as door:
        path = await _made(door, "brevo")
        large = b"[" + b" " * 500_000 + b"]"
        first = asyncio.create_task(door.client.post(path, content=slowly()))
        await begun.wait()
        refused = await door.client.post(path, content=large)
        released.set()
        taken = [await first, await door.client.post(path, content=large), await door.client.post(path, content=large)]

    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert [answer.status_code for answer in taken] == [200] * 3


async def test_mandrill_signs_the_address_that_it_was_given(door: OpenDoor) -> None:
    given = "https://user:pass@ingest.example.com"
    path = await _made(door, "mandrill", secrets=SECRETS["mandrill"], settings={"address": given})
    body = urlencode({"mandrill_events": '[{"event":"open","ts":1,"_id":"m","msg":{"email":"jane@example.com"}}]'})
    at_given = SIGNERS["mandrill"](body.encode(), f"{given}{path}?a=b%20c", 0)
    elsewhere = SIGNERS["mandrill"](body.encode(), f"http://ingest{path}?a=b%20c", 0)

    head = await door.client.head(path)
    good = await door.client.post(f"{path}?a=b%20c", content=at_given.body, headers=at_given.headers)
    bad = await door.client.post(f"{path}?a=b%20c", content=elsewhere.body, headers=elsewhere.headers)

    assert (head.status_code, good.status_code, bad.status_code) == (200, 200, 401)


async def test_metas_lead_is_fetched_with_the_token_and_waited_for(door: OpenDoor) -> None:
    answers = [httpx.Response(401, json={"error": {"type": "OAuthException"}}), httpx.Response(200, json=_LEAD)]
    asked: list[httpx.Request] = []

    def graph(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answers[len(asked) - 1]

    value = {"leadgen_id": "444", "form_id": "2", "created_time": 1714564800}
    body = {"object": "page", "entry": [{"id": "1", "changes": [{"field": "leadgen", "value": value}]}]}
    path = await _made(door, "meta", secrets={**SECRETS["meta"], "access_token": ["token"]})
    async with reaching(door, graph) as outside:
        refused = await _deliver(outside, path, _sign(door, "meta", body, path))
        taken = await _deliver(outside, path, _sign(door, "meta", body, path))

    assert (refused.status_code, taken.status_code) == (503, 200)
    assert asked[0].url.path.endswith("/444")
    assert asked[0].headers["authorization"] == "Bearer token"
    assert "token" not in str(asked[0].url)
    (touchpoint,) = await door.touchpoints()
    assert email_key(door.keys.workspace.secret, "jane@example.com") in touchpoint.keys
    assert touchpoint.traits["job_title"] == "CFO"


_LEAD = {
    "id": "444",
    "campaign_name": "Spring",
    "field_data": [{"name": "email", "values": ["jane@example.com"]}, {"name": "job_title", "values": ["CFO"]}],
}


async def test_amazons_topic_is_agreed_to_once_its_signature_holds(door: OpenDoor) -> None:
    asked: list[str] = []

    def amazon(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, content=certificate())

    path = await _made(door, "ses", settings={"topic_arns": [TOPIC]}, secrets={"basic": "user:pass"})
    subscribe = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    said = message(Type="SubscriptionConfirmation", Token="t", SubscribeURL=subscribe)  # noqa: S106 -- of an example
    async with reaching(door, amazon) as outside:
        challenged = await _deliver(outside, path, Signed({}, as_body(said)))
        forged = await outside.client.post(path, content=as_body({**said, "Token": "u"}), auth=("user", "pass"))
        confirmed = await outside.client.post(path, content=as_body(said), auth=("user", "pass"))

    assert (challenged.status_code, challenged.headers["www-authenticate"]) == (401, 'Basic realm="tragt"')
    assert (forged.status_code, confirmed.status_code) == (401, 200)
    assert asked == [CERTIFICATE, subscribe]


async def test_a_long_delivery_is_taken_in_pieces_and_a_longer_one_not_at_all(door: OpenDoor) -> None:
    path = await _made(door, "brevo")
    events = [{"event": "opened", "email": f"p{at}@example.com", "ts_epoch": 1714564800000} for at in range(600)]

    taken = await door.client.post(path, json=[*events, {"event": "exploded", "email": "a@example.com"}])
    longer = await door.client.post(path, content=b"[" + b"{}," * 10_000 + b"{}]")

    assert (taken.status_code, taken.json()) == (200, {"accepted": 600, "rejected": 1})
    assert longer.status_code == 413
    assert {touchpoint.protocol for touchpoint in await door.touchpoints()} == {"hook.brevo"}
    assert len(await door.touchpoints()) == 600


async def test_a_hook_is_its_provider_s_and_ends(door: OpenDoor) -> None:
    path = await _made(door, "sendgrid", secrets=SECRETS["sendgrid"])
    hook = path.rpartition("/")[2]
    (listed,) = (await door.client.get("/v1/hooks", headers=_admin(door))).json()["data"]

    elsewhere = await door.client.get(f"/v1/hooks/mailgun/{hook}")
    guessed = await door.client.get(f"/v1/hooks/sendgrid/{hook[:-1]}x")
    ended = await door.client.delete(f"/v1/hooks/{listed['prefix']}", headers=_admin(door))

    assert (elsewhere.status_code, guessed.status_code, ended.status_code) == (404, 404, 204)
    assert (await door.client.get(path)).status_code == 404
    assert hook not in str(listed)
    assert (await door.client.delete(f"/v1/hooks/{listed['prefix']}", headers=_admin(door))).status_code == 404


async def test_only_an_administrator_makes_hooks(door: OpenDoor) -> None:
    write_key = {"authorization": f"Bearer {door.keys.write}"}
    refused = await door.client.post("/v1/hooks", json={"provider": "sendgrid"}, headers=write_key)
    unknown = await door.client.post("/v1/hooks", json={"provider": "sendgird"}, headers=_admin(door))
    misnamed = await door.client.post(
        "/v1/hooks", json={"provider": "meta", "secrets": {"sekret": "x"}}, headers=_admin(door)
    )

    assert (refused.status_code, unknown.status_code, misnamed.status_code) == (403, 422, 422)
    assert misnamed.json()["errors"][0]["pointer"] == "/secrets/sekret"


@pytest.mark.parametrize(
    ("provider", "name", "secret"),
    [("linkedin", "client_secret", ""), ("line", "channel_secret", ["s", " "]), ("aweber", "header", "X-Token:")],
)
async def test_an_empty_secret_is_none(door: OpenDoor, provider: str, name: str, secret: str | list[str]) -> None:
    asked = {"provider": provider, "secrets": {name: secret}}
    made = await door.client.post("/v1/hooks", json=asked, headers=_admin(door))
    path = await _made(door, provider)
    put = await door.client.put(f"{path}/secrets", json={"secrets": {name: secret}}, headers=_admin(door))

    assert (made.status_code, put.status_code) == (422, 422)
    assert made.json()["errors"][0]["pointer"] == put.json()["errors"][0]["pointer"] == f"/secrets/{name}"


async def test_the_database_holds_no_secret_and_may_be_away(door: OpenDoor) -> None:
    path = await _made(door, "meta", secrets={"app_secret": "PUBLIC"})
    async with door.own.pool.acquire() as connection:
        (row,) = await connection.fetch("SELECT * FROM ingest.hook")
    cache = HookCache(door.own.writer)
    await cache.load()
    hook = path.rpartition("/")[2]

    assert b"PUBLIC" not in bytes(row["secrets"])
    assert hook.encode() not in bytes(str(dict(row)), "utf-8")
    await door.own.writer.dispose()
    assert (await cache.find("meta", hook)).secrets == {"app_secret": ["PUBLIC"]}
    with pytest.raises(NotFound):
        await cache.find("sendgrid", "th_1_2")
    with pytest.raises(Transient):
        await HookCache(door.own.writer).find("sendgrid", hook)


async def test_without_the_database_nobody_is_told_that_a_hook_is_not_there(door: OpenDoor) -> None:
    path = await _made(door, "meta", secrets=SECRETS["meta"])

    def away(*_: Any) -> None:
        raise ConnectionRefusedError

    event.listen(door.own.writer.sync_engine, "before_cursor_execute", away)
    unknown = await door.client.post(f"/v1/hooks/meta/{mint(bytes(ENTROPY_BYTES))}")
    doubted = await door.client.post(path, content=b"{}", headers={"x-hub-signature-256": "sha256=0"})
    taken = await _deliver(door, path, _sign(door, "meta", {"entry": []}, path))
    event.remove(door.own.writer.sync_engine, "before_cursor_execute", away)

    assert (unknown.status_code, "retry-after" in unknown.headers) == (503, True)
    assert (doubted.status_code, taken.status_code) == (401, 200)


def _admin(door: OpenDoor) -> dict[str, str]:
    return {"authorization": f"Bearer {door.keys.secret}"}
