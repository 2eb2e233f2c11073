"""The versions of a workspace's model, and which of them is in force when (core 3).

A version is in force from the whole second at or after its publication until that of the next one; the first has been
in force since the beginning.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from services.scoring.domain.identity import BEGINNING
from services.scoring.domain.model import Model
from shared.clock import SECOND

TEMPLATE_VERSION: Final = 1
"""The number of the template, which holds until a workspace publishes a version of its own."""


class Published(NamedTuple):
    """A version, in force from the instant ``since`` (a whole second, or the beginning)."""

    model: Model
    since: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """Versions that are in force at some time, in order. ``models``, ``sinces`` and ``recorded`` (the instant of
    publication) hold all that were published, by their number: of two in one second the first is never in force, but a
    lead may have been folded under it.
    """

    versions: tuple[Published, ...]
    models: Mapping[int, Model]
    sinces: Mapping[int, int]
    recorded: Mapping[int, int]

    @property
    def newest(self) -> Model:
        """The last version."""
        return self.versions[-1].model

    def at(self, instant: int) -> Published:
        """The version in force at an instant."""
        return next(one for one in reversed(self.versions) if one.since <= instant)

    def after(self, version: int) -> tuple[Published, ...]:
        """The versions that come into force after this one."""
        return tuple(one for one in self.versions if one.model.version > version)

    def published(self, instant: int) -> Model | None:
        """The version that came into force at just this instant, if one did."""
        found = self.at(instant)
        return found.model if found.since == instant else None

    def known_at(self, instant: int) -> "Timeline":
        """The timeline without the versions published after an instant."""
        first = self.versions[0].model
        numbers = [number for number in sorted(self.models) if number != first.version]
        return timeline(
            first, [(self.recorded[one], self.models[one]) for one in numbers if self.recorded[one] <= instant]
        )


def alone(model: Model) -> Timeline:
    """A model that always was and is in force."""
    return timeline(model, ())


def timeline(first: Model, published: Sequence[tuple[int, Model]]) -> Timeline:
    """The first model, and (instant of publication, model) of those after it, in order."""
    recorded = {first.version: BEGINNING} | {model.version: at for at, model in published}
    all_of_them = [Published(first, BEGINNING)]
    all_of_them += [Published(model, -(-at // SECOND) * SECOND) for at, model in published]
    following = [one.since for one in all_of_them[1:]]
    return Timeline(
        versions=tuple(
            one
            for one, until in zip(all_of_them, [*following, None], strict=True)
            if until is None or one.since < until
        ),
        models={one.model.version: one.model for one in all_of_them},
        sinces={one.model.version: one.since for one in all_of_them},
        recorded=recorded,
    )
