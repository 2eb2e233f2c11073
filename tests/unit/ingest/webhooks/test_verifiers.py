"""The providers' own verifiers say of a request what ours does: good ones pass both, changed ones neither."""

import subprocess
from pathlib import Path

import msgspec

from services.ingest.protocols.webhook import Doubted, Known, Verified
from services.ingest.protocols.webhook_signatures import VERIFIERS
from services.ingest.protocols.webhook_sns import sns
from shared.clock import SECOND
from tests.parts import require
from tests.unit.ingest.protocols.arrivals import NOW
from tests.unit.ingest.webhooks.cases import knock
from tests.unit.ingest.webhooks.notification_service import CERTIFICATE, TOPIC, as_body, certificate, message
from tests.unit.ingest.webhooks.signing import SECRETS, sendgrid

_SCRIPT = Path("tests/e2e/node_clients/verifiers.mjs")
_BODIES = (b'[{"event":"open","email":"jane@example.com"}]', b'[{"event":"open"}]\r\n', '["Århus"]'.encode())


def _theirs(said: object) -> dict[str, list[bool]]:
    line = [require("node", "nodejs"), str(_SCRIPT)]
    ran = subprocess.run(line, input=msgspec.json.encode(said), capture_output=True, timeout=60, check=True)
    return msgspec.json.decode(ran.stdout, type=dict[str, list[bool]])


def test_sendgrid_and_amazon_would_say_the_same() -> None:
    known = Known(secrets=SECRETS["sendgrid"], settings={}, window_seconds=300)
    signed = [sendgrid(body, "", NOW // SECOND) for body in _BODIES]
    requests = [(one.body, one.headers) for one in signed]
    requests += [(one.body.replace(b"e", b"f").replace(b"r", b"s"), one.headers) for one in signed]
    messages = [message(SignatureVersion=version, Message="Hé\n", Subject="s") for version in "12"]
    asked = {"Type": "SubscriptionConfirmation", "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Token=t"}
    confirmed = message(**{**asked, "Token": "t"})
    messages += [confirmed, {**messages[0], "Message": "other"}, {**confirmed, "Token": "other"}]
    trusting = Known(
        secrets={}, settings={"topic_arns": [TOPIC]}, window_seconds=300, fetched={CERTIFICATE: certificate()}
    )

    ours = {
        "sendgrid": [
            VERIFIERS["sendgrid"](
                knock(body, headers={name.encode(): value.encode() for name, value in headers.items()}), known
            )
            == Verified()
            for body, headers in requests
        ],
        "sns": [not isinstance(sns(knock(as_body(one), "text/plain"), trusting), Doubted) for one in messages],
    }

    theirs = _theirs(
        {
            "sendgrid": {
                "key": SECRETS["sendgrid"]["public_key"][0],
                "requests": [
                    dict(zip(("signature", "timestamp"), headers.values(), strict=True), body=body.decode())
                    for body, headers in requests
                ],
            },
            "sns": {"certificate": certificate().decode(), "messages": messages},
        }
    )
    assert ours == theirs
    assert theirs == {"sendgrid": [True] * 3 + [False] * 3, "sns": [True] * 3 + [False] * 2}
