import msgspec

from shared.contracts.codec import decode_change, encode
from shared.contracts.lead_change import Cause, LeadChange, Moves
from shared.streaming.outbox import with_sequence

_CHANGE = LeadChange(
    change_id="c",
    workspace="w",
    lead_id="l",
    version=1,
    kind="became_mql",
    at=1,
    recorded_at=2,
    shard=3,
    facts={"cycle:1": None},
    transitions=Moves(),
    cause=Cause(timer="decay"),
    model_version=1,
)


def test_the_number_is_in_the_message_and_nothing_else_has_changed() -> None:
    numbered = decode_change(with_sequence(encode(_CHANGE), 42))

    assert numbered == msgspec.structs.replace(_CHANGE, sequence=42)
