"""What a person said of consent, anywhere, and when the fold must stop counting (``docs/consent.md``, decision 0045).

Each device speaks for itself, so that what one remembers cannot take back what was said on another: a purpose is denied
while one device denies it. A device's own later ``granted`` ends its denial; a decision's ends everybody's.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from services.scoring.domain.touchpoint import Touchpoint

GRANTED: Final = "granted"
DENIED: Final = "denied"
PURPOSES: Final = ("analytics", "profiling", "marketing")
_NEEDED_TO_SCORE: Final = ("analytics", "profiling")
_DECISION: Final = "consent_"
"""How the kind of a touchpoint begins that tells what a person decided, not what a device remembers of it."""

_MAX_DENIALS: Final = 50
"""Of so many devices a denial is kept; further ones of the same lead change nothing as long as these hold."""


class Consent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, array_like=True):
    """What holds of one purpose, and since when. ``denials`` are the devices that deny it, with the instant of the last
    time they said so.
    """

    since: int
    denials: dict[str, int] = {}

    @property
    def word(self) -> str:
        """``denied`` or ``granted``."""
        return DENIED if self.denials else GRANTED


def heard(held: dict[str, Consent], touchpoint: Touchpoint) -> dict[str, Consent]:
    """What holds, by purpose, after the next touchpoint; the very same where it says nothing new."""
    found = held
    for purpose in PURPOSES:
        word, before = touchpoint.consent.get(purpose), held.get(purpose)
        if word == DENIED:
            change = _denied
        elif word == GRANTED and (before is None or before.denials):
            change = _granted
        else:
            continue
        denials = change(before.denials if before is not None else {}, touchpoint)
        since = touchpoint.occurred_at
        if before is not None and bool(before.denials) == bool(denials):
            since = before.since
        found = {**found, purpose: Consent(since, denials)}
    return found


def is_withdrawn(held: Mapping[str, Consent]) -> bool:
    """Whether nothing may be made of what the person does: neither counted nor put into a picture."""
    return any(purpose in held and held[purpose].denials for purpose in _NEEDED_TO_SCORE)


def _denied(denials: dict[str, int], touchpoint: Touchpoint) -> dict[str, int]:
    device = touchpoint.keys[-1]
    if device not in denials and len(denials) >= _MAX_DENIALS:
        return denials
    return {**denials, device: touchpoint.occurred_at}


def _granted(denials: dict[str, int], touchpoint: Touchpoint) -> dict[str, int]:
    """Without the denials it takes back, which are older: of two things said at one instant the denial holds."""
    device, is_decision = touchpoint.keys[-1], touchpoint.kind.startswith(_DECISION)
    return {
        one: at for one, at in denials.items() if at >= touchpoint.occurred_at or not (is_decision or one == device)
    }
