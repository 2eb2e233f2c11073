"""A handshake proves that a secret is known, and must not be a way to have anything else signed with it."""

import hmac

import pytest

from services.ingest.protocols.webhook import Doubted, Known
from services.ingest.protocols.webhook_handshakes import FORBIDDEN, HANDSHAKES
from services.ingest.protocols.webhook_signatures import VERIFIERS
from tests.unit.ingest.webhooks.cases import knock

_KNOWN = Known(secrets={"client_secret": ["s"]}, settings={}, window_seconds=300)


@pytest.mark.parametrize("code", ['{"type":"LEAD_ACTION"}', 'hmacsha256={"type":"LEAD_ACTION"}', "[]", "1" * 36])
def test_linkedins_challenge_signs_nothing_that_could_be_delivered(code: str) -> None:
    assert HANDSHAKES["linkedin"](knock(b"", query={"challengeCode": code}), _KNOWN) is FORBIDDEN


def test_the_answer_to_linkedins_challenge_is_no_signature_of_a_delivery() -> None:
    code = "890e4665-4dfe-4ab1-b689-ed553bceeed0"
    proof = hmac.new(b"s", code.encode(), "sha256").hexdigest()
    body = b'[{"type":"LEAD_ACTION"}]'

    assert proof in HANDSHAKES["linkedin"](knock(b"", query={"challengeCode": code}), _KNOWN).body
    assert isinstance(VERIFIERS["linkedin"](knock(body, headers={b"x-li-signature": proof.encode()}), _KNOWN), Doubted)
