"""The versions of a model: each holds from the whole second at or after its publication until the next one's."""

from collections.abc import Mapping, Sequence

from tests.reference.instants import second_from
from tests.reference.life import Life, asked_of_memory, name_of
from tests.reference.matching import matches
from tests.reference.model import Model

Timeline = Sequence[tuple[int, Model]]
"""(instant of publication, model) in order. The first has been in force since the beginning, whatever it says."""

Models = Model | Timeline
"""One model for all time, or its versions."""


def newest(models: Models) -> Model:
    """The last version."""
    return models if isinstance(models, Mapping) else models[-1][1]


def in_force(models: Models, at: int) -> Model:
    """The version that decides at an instant."""
    if isinstance(models, Mapping):
        return models
    return [models[0][1], *[model for published, model in models[1:] if second_from(published) <= at]][-1]


def next_version(models: Models, after: int) -> int | None:
    """The first instant later than this one at which another version comes into force."""
    if isinstance(models, Mapping):
        return None
    return min((second_from(at) for at, _ in models[1:] if second_from(at) > after), default=None)


def under(life: Life, model: Model) -> Life:
    """The same lead from now on under another model, which counts all its touchpoints by its own rules.

    What it was and is stays; of the stages of its cycle the new model knows those that it names itself.
    """
    other = Life(model)
    for message in life.messages:
        other.count(message)
    other.memory = life.memory
    other.done = {
        name_of(did): [each["occurred_at"] for each in life.memory if each["id"] in life.counted and matches(did, each)]
        for did in asked_of_memory(model)
    }
    other.status, other.cycle, other.recycled_at = life.status, life.cycle, life.recycled_at
    other.moves, other.facts = life.moves, life.facts
    names = [stage["name"] for stage in model.get("stages", [])]
    entered = [move.to for move in life.moves if move.axis == "stage" and move.cycle == life.cycle and move.to in names]
    other.stages_entered = set(entered)
    other.furthest = max((names.index(name) for name in entered), default=-1)
    other.stage = entered[-1] if entered and life.is_open else None
    return other
