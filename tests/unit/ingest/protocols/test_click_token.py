from services.ingest.protocols.click_token import GOOD_FOR, seal, unseal
from shared.clock import SECOND

SECRET = b"s" * 32
NOW = 1_772_366_400_000_000
KEY = "4email:0f"


def test_token_is_the_key_again_for_half_an_hour() -> None:
    token = seal(KEY, NOW, SECRET)

    assert unseal(token, NOW + 5, SECRET) == KEY
    assert unseal(token, NOW + GOOD_FOR, SECRET) == KEY
    assert unseal(token, NOW + GOOD_FOR + SECOND, SECRET) is None
    assert unseal(token, NOW - SECOND, SECRET) is None


def test_token_tells_nothing_and_opens_nowhere_else() -> None:
    token = seal(KEY, NOW, SECRET)

    assert "email" not in token
    assert unseal(token, NOW, b"t" * 32) is None


def test_changed_or_invented_token_is_none() -> None:
    token = seal(KEY, NOW, SECRET)

    for place in range(len(token) - 1):  # the last letter holds spare bits
        changed = token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]
        assert unseal(changed, NOW, SECRET) is None
    for invented in ("", "x", "æ", "A" * 40, "A" * 5_000, token[:-4]):
        assert unseal(invented, NOW, SECRET) is None
