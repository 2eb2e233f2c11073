"""Whose message it is, before anything of it is believed or fetched."""

from typing import Any

import pytest

from services.ingest.protocols.webhook import Doubted, Known, Verdict, Verified, Wanted
from services.ingest.protocols.webhook_sns import is_amazons, sns
from tests.unit.ingest.webhooks.cases import knock
from tests.unit.ingest.webhooks.notification_service import CERTIFICATE, TOPIC, as_body, certificate, message

_HEADER = b"x-amz-sns-message-type"


def _asked(body: bytes, headers: dict[bytes, bytes] | None = None, **more: Any) -> Verdict:
    settings = {"topic_arns": [TOPIC]}
    known = Known(**{"secrets": {}, "settings": settings, "window_seconds": 300, "fetched": {}, **more})
    return sns(knock(body, "text/plain; charset=UTF-8", headers=headers or {}), known)


def _verdict(fields: dict[str, str], headers: dict[bytes, bytes] | None = None) -> Verdict:
    return _asked(as_body(fields), headers, fetched={CERTIFICATE: certificate()})


@pytest.mark.parametrize("version", ["1", "2"])
def test_a_notification_is_verified_by_the_certificate_that_it_names(version: str) -> None:
    body = as_body(message(SignatureVersion=version, Subject="s"))

    assert _asked(body) == Wanted(CERTIFICATE)
    assert _asked(body, fetched={CERTIFICATE: certificate()}) == Verified()


@pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "Subject"])
def test_a_changed_field_is_doubted(field: str) -> None:
    assert isinstance(_verdict({**message(Subject="s"), field: "other"}), Doubted)


def test_a_topic_of_somebody_else_is_doubted_however_well_it_is_signed() -> None:
    assert isinstance(_verdict(message(TopicArn="arn:aws:sns:eu-west-1:999999999999:mail")), Doubted)


@pytest.mark.parametrize("topics", [None, "all", []])
def test_without_named_topics_everything_is_doubted(topics: Any) -> None:
    assert isinstance(_asked(as_body(message()), settings={"topic_arns": topics}), Doubted)


def test_a_header_that_names_another_type_is_doubted() -> None:
    assert _verdict(message(), {_HEADER: b"Notification"}) == Verified()
    assert isinstance(_verdict(message(), {_HEADER: b"SubscriptionConfirmation"}), Doubted)


def test_a_message_without_a_signature_is_doubted() -> None:
    assert isinstance(_asked(b'{"eventType":"Open"}', {b"x-amz-sns-rawdelivery": b"true"}), Doubted)
    assert isinstance(_verdict(message(SignatureVersion="3")), Doubted)


def test_what_is_no_certificate_verifies_nothing() -> None:
    assert isinstance(_asked(as_body(message()), fetched={CERTIFICATE: b"-----BEGIN"}), Doubted)


@pytest.mark.parametrize(
    "address",
    [
        "http://sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com.evil.example/a.pem",
        "https://evil.example/sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com@evil.example/a.pem",
        "https://user@sns.eu-west-1.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com:8443/a.pem",
        "https://sns.eu.west.amazonaws.com/a.pem",
        "https://sns..amazonaws.com/a.pem",
        "https://127.0.0.1/a.pem",
        "https://[::1/a.pem",
        "file:///etc/passwd.pem",
        "https://sns.eu-west-1.amazonaws.com/a.txt",
        "https://sns.s3-us-west-2.amazonaws.com/a.pem",
        "https://sns.eu-west-1.amazonaws.com/a.pem?Action=GetTopicAttributes",
        "https://sns.eu-west-1.amazonaws.com/?a=b.pem",
        "https://sns.eu-west-1.amazonaws.com/#a.pem",
    ],
)
def test_nothing_is_fetched_from_other_hosts(address: str) -> None:
    assert isinstance(_asked(as_body(message(SigningCertURL=address))), Doubted)


def test_a_confirmation_is_agreed_to_on_amazons_hosts_alone() -> None:
    good = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    kind = {"Type": "SubscriptionConfirmation", "Token": "t"}

    assert _verdict(message(**kind, SubscribeURL=good)) == Verified(confirm=good)
    assert isinstance(_verdict(message(**kind, SubscribeURL="https://10.0.0.1/?Token=t")), Doubted)
    assert isinstance(_verdict({**message(**kind, SubscribeURL=good), "SubscribeURL": good + "x"}), Doubted)


def test_china_has_hosts_of_its_own() -> None:
    assert is_amazons("https://sns.cn-north-1.amazonaws.com.cn/a.pem")


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "ap-southeast-5", "me-central-1", "il-central-1"])
def test_every_region_has_a_host(region: str) -> None:
    assert is_amazons(f"https://sns.{region}.amazonaws.com/?Action=ConfirmSubscription")
