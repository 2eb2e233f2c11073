"""What a person allows, from all that was said of it: the latest word of each device, and what the person decided."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from tests.reference.message import Message, voice

PURPOSES: Final = ("analytics", "profiling", "marketing")


@dataclass
class Sayings:
    """All that was said of one purpose: when each voice last denied and granted it, and when it was last decided to
    grant it.
    """

    denied: dict[str, int] = field(default_factory=dict)
    granted: dict[str, int] = field(default_factory=dict)
    decided: int | None = None

    @property
    def is_denied(self) -> bool:
        """Whether a voice denies it that has not granted it later, with no later decision of the person either."""
        return any(
            at >= self.granted.get(one, at) and (self.decided is None or at >= self.decided)
            for one, at in self.denied.items()
        )


@dataclass
class Consent:
    """What the touchpoints so far say, and by purpose the word that holds and since when."""

    sayings: defaultdict[str, Sayings] = field(default_factory=lambda: defaultdict(Sayings))
    held: dict[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def is_withdrawn(self) -> bool:
        """Whether what the person does may not be counted, or no picture be made of it."""
        return any(self.held.get(purpose, ("", 0))[0] == "denied" for purpose in ("analytics", "profiling"))

    def hear(self, message: Message) -> None:
        """One more touchpoint, in order."""
        at = message["occurred_at"]
        for purpose in PURPOSES:
            sayings = self.sayings[purpose]
            match message.get("consent", {}).get(purpose):
                case "denied":
                    sayings.denied[voice(message)] = at
                case "granted":
                    sayings.granted[voice(message)] = at
                    if message["kind"].startswith("consent_"):
                        sayings.decided = at
                case _:
                    continue
            word = "denied" if sayings.is_denied else "granted"
            if self.held.get(purpose, ("", 0))[0] != word:
                self.held[purpose] = word, at
