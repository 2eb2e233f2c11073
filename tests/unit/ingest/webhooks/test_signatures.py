"""Vectors of the reference, and of every verifier: good, bad, missing, stale, replayed."""

import hmac
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.protocols.webhook import Doubted, Knock, Known, Reply, Verified
from services.ingest.protocols.webhook_handshakes import FORBIDDEN, HANDSHAKES
from services.ingest.protocols.webhook_signatures import VERIFIERS, credentials
from shared.clock import SECOND
from tests.unit.ingest.protocols.arrivals import NOW
from tests.unit.ingest.webhooks.cases import knock
from tests.unit.ingest.webhooks.signing import SECRETS, SIGNERS

_THEN = 1_714_564_800
_URL = "https://ingest.example.com/webhooks"
_FORMS = {"mandrill"}
_TIMED = ("calendly", "hubspot", "mailchimp", "mailgun", "sendgrid", "standard", "tiktok", "wechat", "zendesk")
_WITH_A_SECRET = sorted(SIGNERS.keys() - {"", "sns", "salesforce", "zoho"})
_COVERS_THE_BODY = sorted(set(_WITH_A_SECRET) - {"mailgun", "wechat", "google_key"})


def _known(secrets: dict[str, list[str]], **more: Any) -> Known:
    return Known(secrets=secrets, settings=more.pop("settings", {}), window_seconds=300, **more)


def _headers(said: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in said.items()}


def _signed(name: str, now: int = NOW // SECOND) -> Knock:
    body = urlencode({"mandrill_events": "[]"}).encode() if name in _FORMS else b'{"a":1,"event-data":{}}'
    signed = SIGNERS[name](body, _URL, now)
    query = dict(parse_qsl(signed.query))
    return knock(signed.body, headers=_headers(signed.headers), url=_URL, query=query)


_SENDGRIDS_KEY = (
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAERxw+dYxJBChbun5TEY7Q9SSt6wdX0lvS+Oew1236cUzdUg96yoqLkXrMN/Ud6PDJu+OthYOC5wLcJaEt"
    "CfeoWA=="
)
_META_BODY = (
    b'{"object":"page","entry":[{"id":"1","time":1714564800,"changes":[{"field":"leadgen","value":'
    b'{"leadgen_id":"444","page_id":"1","form_id":"2","created_time":1714564800}}]}]}'
)
VECTORS = {
    "sendgrid": (
        {"public_key": [_SENDGRIDS_KEY]},
        b'[{"email":"jane@example.com","timestamp":1714564800,"event":"open","sg_event_id":"e1","sg_message_id":"m1"}]\r\n',
        {
            "x-twilio-email-event-webhook-timestamp": "1714564800",
            "x-twilio-email-event-webhook-signature": (
                "MEYCIQD5pRyYhJnt8E4ShSjQn+WNwKxLHXeOqte//awPOjWcKAIhAOCrzuMmOyNkG2jEDgXzkaSUSDcymUruLozFiOF1ynyf"
            ),
        },
        "",
    ),
    "mailgun": (
        {"signing_key": ["key-test-1234"]},
        msgspec.json.encode(
            {
                "signature": {
                    "timestamp": "1714564800",
                    "token": "a" * 50,
                    "signature": "1d7107a826e50a0dcfda01ec56c8ef21abce960dc5a37cb08ef25b4b6e8a4dfe",
                }
            }
        ),
        {},
        "",
    ),
    "mandrill": (
        {"webhook_key": ["mandrill-key"]},
        urlencode(
            {
                "mandrill_events": (
                    '[{"event":"open","ts":1714564800,"_id":"m1","msg":{"_id":"m1","email":"jane@example.com"}}]'
                )
            }
        ).encode(),
        {"x-mandrill-signature": "w8HNdzpQm9Yy8V+1OEWCek6T/Zs="},
        "https://ingest.example.com/webhooks/mandrill",
    ),
    "meta": (
        {"app_secret": ["app-secret"]},
        _META_BODY,
        {"x-hub-signature-256": "sha256=e1932bf734b809930616b3c443b71821f0043e61288743c3f9ad39130d052451"},
        "",
    ),
    "linkedin": (
        {"client_secret": ["client-secret"]},
        b'{"type":"LEAD_ACTION"}',
        {"x-li-signature": "504fb48267398ef70058fc11c07701df78b038d6c48a2ef3a93709c74a7f3cfa"},
        "",
    ),
    "hubspot": (
        {"client_secret": ["cs"]},
        b'[{"a":1}]',
        {
            "x-hubspot-signature-v3": "L/eF1EhkVMy5DQKCG7L5GwAzEaRq9rODWrlCK5NVT4Q=",
            "x-hubspot-request-timestamp": "1714564800000",
        },
        "https://ingest.example.com/webhooks/hubspot",
    ),
    "standard": (
        {"secret": ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]},
        b'{"type":"lead.stage.changed"}',
        {
            "webhook-id": "msg_1",
            "webhook-timestamp": "1714564800",
            "webhook-signature": "v1,V+kzCfkHbkCxbq2NzollhMECVJUBlTZNO1i9yoQVonQ=",
        },
        "",
    ),
    "hubspot 1": (
        {"client_secret": ["cs"]},
        b'[{"a":1}]',
        {"x-hubspot-signature": "35e6f0b010a096a8ec2b24b8e0672dabdc2e1272d5b4e7448a37976c1f1b2c54"},
        "",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_reference_verify(name: str) -> None:
    secrets, body, headers, url = VECTORS[name]
    verify = VERIFIERS[name.partition(" ")[0]]
    at_the_time = knock(body, headers=_headers(headers), url=url, now=(_THEN + 10) * SECOND)

    assert isinstance(verify(at_the_time, _known(secrets)), Verified)
    assert isinstance(verify(at_the_time, _known({name: ["other"] for name in secrets})), Doubted)


def test_sendgrid_signs_the_line_end_too() -> None:
    secrets, body, headers, _ = VECTORS["sendgrid"]
    cut = knock(body.removesuffix(b"\r\n"), headers=_headers(headers), now=_THEN * SECOND)

    assert isinstance(VERIFIERS["sendgrid"](cut, _known(secrets)), Doubted)


@pytest.mark.parametrize("name", _WITH_A_SECRET)
def test_what_is_signed_is_verified(name: str) -> None:
    assert isinstance(VERIFIERS[name](_signed(name), _known(SECRETS[name])), Verified)


@pytest.mark.parametrize("name", _WITH_A_SECRET)
def test_another_secret_is_doubted_unless_both_are_good(name: str) -> None:
    secrets = SECRETS[name]
    wrong = {key: ["wrong"] for key in secrets}
    both = {key: ["wrong", *values] for key, values in secrets.items()}

    assert isinstance(VERIFIERS[name](_signed(name), _known(wrong)), Doubted)
    assert isinstance(VERIFIERS[name](_signed(name), _known(both)), Verified)


@pytest.mark.parametrize("name", _WITH_A_SECRET)
def test_an_unsigned_request_is_doubted(name: str) -> None:
    assert isinstance(VERIFIERS[name](knock(b'{"a":1}'), _known(SECRETS[name])), Doubted)


@pytest.mark.parametrize("name", _COVERS_THE_BODY)
def test_another_body_under_a_good_signature_is_doubted(name: str) -> None:
    forged = replace(_signed(name), body=b"mandrill_events=%5B1%5D" if name in _FORMS else b'{"a":2}')

    assert isinstance(VERIFIERS[name](forged, _known(SECRETS[name])), Doubted)


@pytest.mark.parametrize("seconds", [-301, 301])
@pytest.mark.parametrize("name", _TIMED)
def test_a_signature_outside_of_the_window_is_doubted(name: str, seconds: int) -> None:
    late = replace(_signed(name), now=NOW + seconds * SECOND)

    assert isinstance(VERIFIERS[name](late, _known(SECRETS[name])), Doubted)


@pytest.mark.parametrize("name", ["mailgun", "wechat"])
def test_where_the_body_is_not_covered_there_is_something_that_comes_only_once(name: str) -> None:
    verdict = VERIFIERS[name](_signed(name), _known(SECRETS[name]))

    assert isinstance(verdict, Verified)
    assert verdict.once


def test_hubspots_second_version_covers_method_and_address() -> None:
    headers = {"x-hubspot-signature-version": "v2", "x-hubspot-signature": "1" * 64}

    assert isinstance(
        VERIFIERS["hubspot"](knock(b"[]", headers=_headers(headers)), _known(SECRETS["hubspot"])), Doubted
    )


@pytest.mark.parametrize("name", ["aweber", "mailchimp", "tiktok"])
def test_where_a_signature_is_optional_a_hook_without_a_secret_has_its_address_alone(name: str) -> None:
    assert isinstance(VERIFIERS[name](knock(b""), _known({})), Verified)


def test_linkedin_may_sign_the_bare_body() -> None:
    body = b'{"type":"LEAD_ACTION"}'
    signature = hmac.new(b"client-secret", body, "sha256").hexdigest().encode()

    for header in (signature, b"hmacsha256=" + signature):
        asked = knock(body, headers={b"x-li-signature": header})
        assert isinstance(VERIFIERS["linkedin"](asked, _known(SECRETS["linkedin"])), Verified)


@pytest.mark.parametrize(
    ("name", "secrets", "good", "bad"),
    [
        ("zoho", {"token": ["t-1"]}, b'{"token":"t-1"}', b'{"token":"t-2"}'),
        ("zoho", {"token": ["t-1"]}, b"token=t-1&id=2", b"id=2"),
        (
            "salesforce",
            {"organization_id": ["00D000000000001"]},
            b"<a><OrganizationId>00D000000000001EAA</OrganizationId></a>",
            b"<a><OrganizationId>00D000000000002EAA</OrganizationId></a>",
        ),
        ("salesforce", {"organization_id": ["00D000000000001EAA"]}, b"<s:OrganizationId>00D000000000001</s", b"{}"),
    ],
)
def test_what_stands_in_the_body_is_compared_where_the_hook_has_it(
    name: str, secrets: dict[str, list[str]], good: bytes, bad: bytes
) -> None:
    assert isinstance(VERIFIERS[name](knock(good, ""), _known(secrets)), Verified)
    assert isinstance(VERIFIERS[name](knock(bad, ""), _known(secrets)), Doubted)
    assert isinstance(VERIFIERS[name](knock(bad, ""), _known({})), Verified)


def test_credentials_are_asked_for_where_the_hook_has_them() -> None:
    known = _known({"basic": ["user:pass"], "header": ["X-Token: abc"]})
    good = {"authorization": "Basic dXNlcjpwYXNz", "x-token": "abc"}

    assert credentials(knock(b"", headers=_headers(good)), known) is None
    assert credentials(knock(b"", headers=_headers({**good, "x-token": "other"})), known) is not None
    assert credentials(knock(b"", headers=_headers({"x-token": "abc"})), known) is not None
    assert credentials(knock(b""), _known({})) is None


def test_metas_challenge_comes_back_as_plain_text() -> None:
    query = {"hub.mode": "subscribe", "hub.verify_token": "verify", "hub.challenge": "1158201444"}
    known = _known(SECRETS["meta"])

    assert HANDSHAKES["meta"](knock(b"", method="GET", query=query), known) == Reply(body="1158201444")
    assert HANDSHAKES["meta"](knock(b"", query={**query, "hub.verify_token": "no"}), known) is FORBIDDEN


def test_linkedins_challenge_is_answered_as_in_the_vector() -> None:
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    reply = HANDSHAKES["linkedin"](knock(b"", query={"challengeCode": code}), _known(SECRETS["linkedin"]))

    assert reply.content_type == "application/json"
    assert msgspec.json.decode(reply.body) == {
        "challengeCode": code,
        "challengeResponse": "8ab4bbad570533d66462deba280bde93c1cad8b543e7f526d3e962acaf6c391a",
    }


def test_wechats_echo_comes_back_when_it_is_signed() -> None:
    signed = _signed("wechat")
    asked = replace(signed, method="GET", query={**signed.query, "echostr": "echo"})

    assert HANDSHAKES["wechat"](asked, _known(SECRETS["wechat"])) == Reply(body="echo")
    assert HANDSHAKES["wechat"](asked, _known({"token": ["other"]})) is FORBIDDEN


_ALL_HEADERS = sorted({header for name in _WITH_A_SECRET for header in _signed(name).headers})
_TEXTS = st.one_of(
    st.text(max_size=20), st.sampled_from(["t=1,v1=a", "1714564800", "sha256=", "Basic =", "=" * 9, "²"])
)


@given(st.sampled_from(sorted(VERIFIERS)), st.binary(max_size=60), _TEXTS, _TEXTS)
@settings(max_examples=400, deadline=None)
def test_no_request_breaks_a_verifier(name: str, body: bytes, one: str, other: str) -> None:
    headers = {header: (one if at % 2 else other).encode() for at, header in enumerate(_ALL_HEADERS)}
    asked = knock(body, headers=headers, query={"timestamp": one, "nonce": other, "signature": one}, url=one)
    secrets = {key: ["secret", "²"] for known in SECRETS.values() for key in known}

    assert isinstance(VERIFIERS[name](asked, _known(secrets, settings={"topic_arns": 1})), Doubted | Verified)
    credentials(asked, _known({"basic": ["é:é"], "header": ["x-token"]}))


@pytest.mark.parametrize("name", sorted(set(_TIMED) - {"zendesk"}))
def test_a_timestamp_of_thousands_of_digits_is_not_read(name: str) -> None:
    good, now, endless = _signed(name), str(NOW // SECOND), "9" * 5_000
    bad = replace(
        good,
        headers={key: value.replace(now.encode(), endless.encode()) for key, value in good.headers.items()},
        query={key: value.replace(now, endless) for key, value in good.query.items()},
        body=good.body.replace(now.encode(), endless.encode()),
    )

    assert bad != good
    assert isinstance(VERIFIERS[name](bad, _known(SECRETS[name])), Doubted)


@pytest.mark.parametrize("name", _WITH_A_SECRET)
def test_a_form_of_too_many_fields_is_doubted(name: str) -> None:
    bad = replace(_signed(name), body=b"a=1&" * 3_000, headers={b"x-mandrill-signature": b"x"}, query={})

    assert isinstance(VERIFIERS[name](bad, _known(SECRETS[name])), Doubted)
