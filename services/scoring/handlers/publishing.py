"""What a lead's new state means for those who were told the old one: rows to keep and a change to publish."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from services.scoring.domain import facts
from services.scoring.domain.facts import Brief, Difference
from services.scoring.domain.state import Cycle, Entry, State, encode
from services.scoring.domain.timeline import Timeline
from services.scoring.handlers.worlds import World
from services.scoring.store.leads import LeadRow, Listed, ToldCycle
from shared.contracts import codec
from shared.contracts.lead_change import Cause, CycleFact, Dimensions, LeadChange, Move, Moves, Summary
from shared.contracts.topics import TOPICS, partition_of_shard
from shared.ids import change_id
from shared.streaming.outbox import OutboxRow
from shared.vocabulary import SHARD_COUNT, TopicName

if TYPE_CHECKING:
    from uuid import UUID

EPOCH_BITS: Final = 40
"""A version is epoch * 2^40 + the lead's counter."""


class Publication:
    """Collects what one transaction tells, to be written set-wise at its end."""

    def __init__(self, epoch: int, recorded_at: int) -> None:
        self._epoch, self._recorded_at = epoch, recorded_at
        self.cycles: list[ToldCycle] = []
        self.listed: list[Listed] = []
        self.unlisted: list[tuple[UUID, UUID]] = []
        self.outbox: list[OutboxRow] = []

    def tell(
        self,
        world: World,
        row: LeadRow,
        told: Iterable[Cycle],
        state: State,
        *,
        before: Brief | None,
        is_refolded: bool = False,
        merged_into: "UUID | None" = None,
    ) -> bool:
        """Publish how the state's cycles differ from those told, if they do, under the lead's next versions.

        ``merged_into`` is the lead that has what this one had, where nothing is left of it.
        """
        difference = facts.difference(str(row.lead_id), told, facts.held(state))
        if not difference.cycles:
            return False
        model = world.timeline.models[state.model_version] if state.count else world.model
        after = facts.brief(model, state, max(state.clock, state.at)) if state.count else None
        for part in facts.in_parts(difference):
            row.version += 1
            if merged_into is not None:
                cause = Cause(merge=str(merged_into))
            else:
                cause = _cause_of_refold(world.timeline, part) if is_refolded else _cause(world.timeline, part)
            self._publish(model.version, row, part, state, (before, after), cause)
        self._list(row, state, after, self._version(row))
        return True

    def _version(self, row: LeadRow) -> int:
        return (self._epoch << EPOCH_BITS) + row.version

    def _publish(
        self,
        model_version: int,
        row: LeadRow,
        part: Difference,
        state: State,
        summaries: tuple[Brief | None, Brief | None],
        cause: Cause,
    ) -> None:
        """One change, under the lead's present version."""
        version = self._version(row)
        self.cycles.extend(
            ToldCycle(row.workspace, row.key, number, version, encode(cycle) if cycle else None)
            for number, cycle in part.cycles.items()
        )
        change = LeadChange(
            change_id=str(change_id(row.lead_id, version)),
            workspace=str(row.workspace),
            lead_id=str(row.lead_id),
            version=version,
            kind=facts.kind_of(part.added, part.retracted),
            at=facts.effective_at(part, state.clock),
            recorded_at=self._recorded_at,
            shard=row.lead_id.int % SHARD_COUNT,
            facts={facts.fact_key(n): fact_of(cycle) if cycle else None for n, cycle in part.cycles.items()},
            transitions=Moves(_moves(part.added), _moves(part.retracted)),
            cause=cause,
            model_version=model_version,
            before=_summary(summaries[0]),
            after=_summary(summaries[1]),
        )
        partition = partition_of_shard(change.shard, TOPICS[TopicName.CHANGES].partitions)
        self.outbox.append(
            OutboxRow(row.workspace, TopicName.CHANGES, partition, codec.encode(change), self._recorded_at)
        )

    def _list(self, row: LeadRow, state: State, after: Brief | None, version: int) -> None:
        if after is None or state.first is None:
            self.unlisted.append((row.workspace, row.lead_id))
            return
        self.listed.append(
            Listed(
                workspace=row.workspace,
                lead_id=row.lead_id,
                key=row.key,
                status=after.status,
                stage=after.stage,
                channel=state.first.channel,
                cycle=after.cycle,
                shard=row.lead_id.int % SHARD_COUNT,
                since=state.status_at,
                version=version,
                updated_at=self._recorded_at,
            )
        )


def fact_of(cycle: Cycle) -> CycleFact:
    """A cycle as the fact that metrics counts."""
    facet = facts.facet(cycle)
    return CycleFact(
        cycle=cycle.number,
        steps=dict(facet.steps),
        dimensions=Dimensions(**facet.dimensions),  # type: ignore[arg-type]
        implied=facet.implied,
        exit=facet.exit,
        exited_at=facet.exited_at,
    )


def _moves(moves: Sequence[facts.Move]) -> tuple[Move, ...]:
    return tuple(
        Move(
            id=move.id,
            axis=move.entry.axis,
            to=move.entry.to,
            at=move.entry.at,
            cycle=move.cycle,
            cause=move.entry.touchpoint or move.entry.rule,
            origin=move.entry.origin,
            rule=move.entry.rule,
            implied=move.entry.implied,
        )
        for move in moves
    )


def _cause(timeline: Timeline, difference: Difference) -> Cause:
    if not difference.added:
        return Cause(correction="retracted")
    last = difference.added[-1].entry
    if last.touchpoint:
        return Cause(touchpoint_id=last.touchpoint)
    return _by_model(timeline, last) or Cause(timer=last.rule)


def _cause_of_refold(timeline: Timeline, difference: Difference) -> Cause:
    """A new model version, where it made the first of the moves and none told before fell; else a correction."""
    by_model = None
    if difference.added and not difference.retracted:
        by_model = _by_model(timeline, difference.added[0].entry)
    return by_model or Cause(correction="refolded")


def _by_model(timeline: Timeline, entry: Entry) -> Cause | None:
    published = None if entry.touchpoint else timeline.published(entry.at)
    return Cause(model=published.version) if published else None


def _summary(brief: Brief | None) -> Summary | None:
    return Summary(*brief) if brief else None
