"""The judge of chaos and benchmark: what the product says against what the touchpoints that were accepted ask for.

Each check returns what is broken, by the number of its invariant; nothing when all holds:

- I1 what was accepted is stored, I2 once, I3 nothing else is; I4 what never was answered is stored at most once
- I5 every lead, its id and its facts are those of the plain reference
- I8 what was built anew equals what was live
- I9 funnels equal a recount of the facts
- I10 changes of a lead have rising versions, numbers of a workspace have no gap, what is told adds up to the facts
- I11 cycles go along the main path only

I6, I7 and I12 are about positions and time: the harness that sees them happen checks them.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.reference.answers import Lead
from tests.reference.components import all_leads
from tests.reference.fold import fold
from tests.reference.funnel import Fact, Step, by, cohort, period
from tests.reference.message import Message, lead_id
from tests.reference.model import MAIN_PATH, Model

Facts = Mapping[tuple[str, str], Fact]
"""Facts by (lead id, fact key)."""


@dataclass(frozen=True)
class Broken:
    """One thing that does not hold."""

    invariant: str
    what: str


def check_ids(
    *, accepted: Collection[str], rejected: Collection[str], sent: Collection[str], stored: Iterable[str]
) -> list[Broken]:
    """I1 to I4. ``stored`` has an id as often as it is stored."""
    times = Counter(stored)
    return [
        *(Broken("I1", f"{each} was accepted and is lost") for each in set(accepted) - times.keys()),
        *(Broken("I2", f"{each} is stored {count} times") for each, count in times.items() if count > 1),
        *(Broken("I3", f"{each} was never sent and is stored") for each in times.keys() - set(sent)),
        *(Broken("I3", f"{each} was refused and is stored") for each in times.keys() & set(rejected) - set(accepted)),
    ]


class Judge:
    """Knows the touchpoints and the model.

    ``since`` and ``until`` bound the instant at which the product was asked: timers up to ``since`` must have fired,
    later ones up to ``until`` may have, in their order.
    """

    def __init__(self, messages: Iterable[Message], model: Model, secret: bytes, *, since: int, until: int) -> None:
        self._model, self._since, self._until = model, since, until
        self.leads: dict[str, Lead] = {
            lead_id(secret, lead.root): lead for lead in all_leads(messages, model, secret, since)
        }

    @property
    def facts(self) -> dict[tuple[str, str], Fact]:
        """All facts at ``since``."""
        return {(name, key): fact for name, lead in self.leads.items() for key, fact in lead.life.facts.items()}

    def check_facts(self, told: Facts) -> list[Broken]:
        """I5: of every lead exactly the facts of the reference at one instant between ``since`` and ``until``."""
        by_lead: dict[str, dict[str, Fact]] = {}
        for (name, key), fact in told.items():
            by_lead.setdefault(name, {})[key] = fact
        strangers = [Broken("I5", f"lead {name} should not be") for name in by_lead.keys() - self.leads.keys()]
        return strangers + [
            Broken("I5", f"lead {name} ({lead.root}): told {by_lead.get(name)}, expected {lead.life.facts}")
            for name, lead in self.leads.items()
            if not self._may_hold(lead, by_lead.get(name))
        ]

    def _may_hold(self, lead: Lead, told: Mapping[str, Fact] | None) -> bool:
        if told == lead.life.facts:
            return True
        later = fold(lead.life.messages, self._model, self._until)
        instants = sorted({move.at for move in later.moves if self._since < move.at <= self._until})
        return any(told == fold(lead.life.messages, self._model, at).facts for at in instants)

    def check_counts(self, counts: Mapping[str, int]) -> list[Broken]:
        """I2: every lead (by id) counts each of its touchpoints once."""
        return [
            Broken("I2", f"lead {name} counts {counts.get(name)} touchpoints of {len(lead.life.messages)}")
            for name, lead in self.leads.items()
            if counts.get(name) != len(lead.life.messages)
        ]


def check_same(live: Facts, rebuilt: Facts) -> list[Broken]:
    """I8: what was built anew equals what was live."""
    return [
        Broken("I8", f"{key}: live {live.get(key)}, rebuilt {rebuilt.get(key)}")
        for key in sorted(live.keys() | rebuilt.keys())
        if live.get(key) != rebuilt.get(key)
    ]


def check_funnel(
    answer: Mapping[str, Any], facts: Iterable[Fact], start: int, end: int, *, basis: str = "cohort"
) -> list[Broken]:
    """I9: an answer of ``GET /v1/funnel`` (entry ``known``, whole groups) against a recount of the facts."""
    every = list(facts)
    recount: Callable[[Iterable[Fact]], Any] = (
        (lambda some: cohort(some, start, end)) if basis == "cohort" else (lambda some: period(some, start, end))
    )
    found = _step_differences("total", answer["steps"], recount(every))
    for group in answer.get("groups", []):
        if group["rest"]:
            continue
        members = every
        for name, value in group["key"].items():
            members = by(members, name).get(value, [])
        found += _step_differences(str(group["key"]), group["steps"], recount(members))
    return found


def _step_differences(name: str, steps: Sequence[Mapping[str, Any]], wanted: Any) -> list[Broken]:
    broken = []
    for step in steps:
        expected: dict[str, Any]
        if isinstance(wanted, Counter):
            expected = {"entered": wanted[step["step"]]}
        else:
            expected = _counts(wanted[step["step"]], is_last=step["step"] == MAIN_PATH[-1])
        shown = {key: step[key] for key in expected}
        if shown != expected:
            broken.append(Broken("I9", f"funnel {name} {step['step']}: told {shown}, recounted {expected}"))
    return broken


def _counts(step: Step, *, is_last: bool) -> dict[str, Any]:
    counts = {"entered": step.entered, "left": dict(step.left), "still_open": step.still_open}
    return counts if is_last else counts | {"converted": step.converted}


def check_changes(changes: Iterable[Mapping[str, Any]], facts: Facts) -> list[Broken]:
    """I10: lead changes as JSON in the order of their numbers against the facts they lead to.

    A change that came twice (the same ``change_id``) counts once, as a reader counts it.
    """
    broken = []
    versions: dict[str, int] = {}
    held: dict[tuple[str, str], Fact] = {}
    seen: set[str] = set()
    numbers: list[int] = []
    for change in changes:
        if change["change_id"] in seen:
            continue
        seen.add(change["change_id"])
        numbers += [change["sequence"]] if change.get("sequence") is not None else []
        if change["version"] <= versions.get(change["lead_id"], -1):
            broken.append(Broken("I10", f"version {change['version']} of {change['lead_id']} does not rise"))
        versions[change["lead_id"]] = change["version"]
        for key, fact in change["facts"].items():
            held.pop((change["lead_id"], key), None)
            if fact is not None:
                held[change["lead_id"], key] = fact
    if sorted(numbers) != list(range(min(numbers, default=0), min(numbers, default=0) + len(numbers))):
        broken.append(Broken("I10", "the numbers of changes have gaps or repeat"))
    return broken + [
        Broken("I10", f"{key}: told {held.get(key)}, held {facts.get(key)}")
        for key in held.keys() | facts.keys()
        if held.get(key) != facts.get(key)
    ]


def check_paths(facts: Facts) -> list[Broken]:
    """I11: each cycle goes up the main path in time, skipped steps take none, and cycles follow each other."""
    cycles: dict[str, list[Fact]] = {}
    for (name, _), fact in facts.items():
        cycles.setdefault(name, []).append(fact)
    broken = []
    for name, of_lead in cycles.items():
        of_lead.sort(key=lambda fact: fact["cycle"])
        broken += [Broken("I11", f"lead {name}: {what}") for what in _path_faults(of_lead)]
    return broken


def _path_faults(cycles: Sequence[Fact]) -> list[str]:
    faults = []
    ended = 0
    for number, fact in enumerate(cycles, start=1):
        names = [name for name in MAIN_PATH if name in fact["steps"]]
        first = MAIN_PATH.index("anonymous" if number == 1 else "known")
        instants = [fact["steps"][name] for name in names]
        if fact["cycle"] != number or names != list(MAIN_PATH[first : first + len(names)]) or not names:
            faults.append(f"cycle {fact['cycle']} has the steps {names}")
        elif instants != sorted(instants) or instants[0] < ended:
            faults.append(f"cycle {number} goes back in time: {fact['steps']}")
        elif any(
            fact["steps"][name] != fact["steps"][names[names.index(name) + 1]] for name in fact.get("implied", [])
        ):
            faults.append(f"cycle {number} has a skipped step that takes time")
        elif ("exit" in fact) != (number < len(cycles)) and number < len(cycles):
            faults.append(f"cycle {number} did not end before the next")
        ended = fact.get("exited_at", ended)
        if instants and ended and "exit" in fact and ended < instants[-1]:
            faults.append(f"cycle {number} ended before its last step")
    return faults
