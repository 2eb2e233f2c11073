"""Runs, owners, roots and pieces, where the vectors and the reference look less closely."""

import time
from itertools import pairwise

import pytest

from services.scoring.domain import identity
from services.scoring.domain.identity import BEGINNING, END, Link, Origin, Piece, Run

A, B, E, F = "1anonymous_id:a", "1anonymous_id:b", "4email:e", "4email:f"
U, V, W, X = "5user_id:u", "5user_id:v", "5user_id:w", "2external.crm:x"


def own(key: str, at: int, target: str, name: str = "") -> Link:
    return Link(key, at, name or f"t{at}", target, Origin.OWN)


def runs(*links: Link) -> dict[str, tuple[Run, ...]]:
    """Runs of every key of these links, targets included, with what is inferred."""
    keys = {link.key for link in links} | {link.target for link in links}
    explicit = {key: identity.runs_from([link for link in links if link.key == key]) for key in keys}
    found = dict(explicit)
    for of_key in explicit.values():
        for run in identity.inferred(of_key, infer_owner=True):
            found[run.key] = (*found[run.key], run)
    return found


def test_what_a_touchpoint_says() -> None:
    assert identity.links_of((U, E, A), None, "identified", 1, "t") == [own(E, 1, U, "t"), own(A, 1, U, "t")]
    assert identity.links_of((A,), U, "unlinked", 1, "t") == [Link(A, 1, "t", U, Origin.SPLIT)]
    assert identity.links_of((A,), None, "unlinked", 1, "t") == []
    assert identity.links_of((U,), V, "aliased", 1, "t") == [Link(V, 1, "t", U, Origin.ALIAS)]
    assert identity.links_of((U,), A, "aliased", 1, "t") == []
    assert identity.links_of((U,), U, "aliased", 1, "t") == []


def test_consecutive_links_to_one_target_are_one_run() -> None:
    found = identity.runs_from([own(A, 3, V), own(A, 1, U), own(A, 2, U), own(A, 4, U)])

    assert [(run.at, run.target) for run in found] == [(1, U), (3, V), (4, U)]


def test_a_link_inside_its_own_run_changes_nothing_and_any_other_needs_a_look_at_all() -> None:
    known = identity.runs_from([own(A, 1, U), own(A, 5, V)])

    assert identity.extended(known, own(A, 3, U)) == known
    assert identity.extended(known, own(A, 9, V)) == known
    assert identity.extended(known, own(A, 3, V)) is None
    assert identity.extended(known, own(A, 0, U)) is None
    assert identity.extended((), own(A, 1, U)) == (Run(A, 1, "t1", U, Origin.OWN),)
    assert identity.extended(known, Link(A, 9, "t9", V, Origin.SPLIT)) is None


def test_a_split_breaks_a_run_and_cuts_what_lies_before_it() -> None:
    links = [own(A, 1, U), Link(A, 3, "s", U, Origin.SPLIT), own(A, 5, U)]

    owners = identity.owners({A: identity.runs_from(links), U: ()})

    assert [identity.root_at(owners, A, at) for at in (0, 1, 4, 5)] == [A, A, A, U]


def test_pieces_follow_owners_upwards_in_time() -> None:
    owners = identity.owners(runs(own(A, 10, E), own(E, 20, U), own(E, 30, V)))

    assert identity.pieces(owners, A) == (Piece(BEGINNING, 30, U), Piece(30, END, V))
    assert identity.members(owners, [A, E, U, V], V) == [(A, 30, END), (E, 30, END), (V, BEGINNING, END)]


def test_an_alias_that_closes_a_cycle_is_refused() -> None:
    aliases = [Link(U, 1, "a", V, Origin.ALIAS), Link(V, 2, "b", W, Origin.ALIAS), Link(W, 3, "c", U, Origin.ALIAS)]

    owners = identity.owners({key: identity.runs_from([a for a in aliases if a.key == key]) for key in (U, V, W)})

    assert identity.root_at(owners, U, 9) == W
    assert identity.root_at(owners, W, 9) == W


def test_own_links_of_one_rank_stand_when_an_inferred_one_would_close_a_cycle() -> None:
    found = {
        F: identity.runs_from([own(F, 5, E)]),
        E: (Run(E, 1, "x", F, Origin.INFERRED, X),),
    }

    owners = identity.owners(found)

    assert identity.root_at(owners, F, 9) == E
    assert identity.root_at(owners, E, 9) == E


def test_the_owner_of_an_e_mail_is_inferred_from_a_device_only_when_switched_on() -> None:
    device = identity.runs_from([own(A, 1, E), own(A, 2, U)])

    assert identity.inferred(device, infer_owner=True) == (Run(E, 2, "t2", U, Origin.INFERRED, A),)
    assert identity.inferred(device, infer_owner=False) == ()
    assert identity.inferred((), infer_owner=True) == ()
    assert identity.inferred(identity.runs_from([own(E, 1, U)]), infer_owner=True) == ()


def test_a_changed_address_is_inferred_once_per_run_of_an_external_key() -> None:
    record = identity.runs_from([own(X, 1, E), own(X, 2, F), own(X, 3, U), own(X, 4, F), own(X, 5, E)])

    assert [(run.key, run.at, run.target) for run in identity.inferred(record, infer_owner=True)] == [
        (F, 2, E),
        (F, 4, E),
    ]


def test_a_record_without_an_address_infers_nothing() -> None:
    assert identity.inferred(identity.runs_from([own(X, 1, U), own(X, 2, V)]), infer_owner=True) == ()


def test_what_moved_is_told_with_the_instant_from_which() -> None:
    before = identity.owners(runs(own(A, 10, U)))
    after = identity.owners(runs(own(A, 10, U), own(A, 20, V)))

    assert identity.moved(before, after, [A]) == [(A, 20, U, V)]


def test_a_chain_of_aliases_may_be_as_long_as_somebody_likes() -> None:
    names = [f"5user_id:{number:05}" for number in range(3_000)]
    found = {
        before: (Run(before, number, f"t{number}", after, Origin.ALIAS),)
        for number, (before, after) in enumerate(pairwise(names))
    }

    owners = identity.owners({**found, names[-1]: ()})

    assert identity.pieces(owners, names[0]) == (Piece(BEGINNING, END, names[-1]),)


def test_a_key_of_too_many_runs_is_nobodys_whatever_they_are() -> None:
    said = [own(A, 1, U), own(A, 2, V), Link(A, 3, "s", V, Origin.SPLIT)]

    assert len(identity.runs_from(said, most=3)) == 3
    assert identity.runs_from([*said, own(A, 4, V)], most=3) == (Run(A, BEGINNING, "", A, Origin.SHARED),)
    assert identity.runs_from([*said, own(A, 5, U), own(A, 4, U)], most=3) == (Run(A, BEGINNING, "", A, Origin.SHARED),)


def test_nobodys_key_belongs_to_itself_at_all_instants_and_tells_nothing() -> None:
    shared = identity.runs_from([own(A, 1, E), own(A, 2, U), own(A, 3, E)], most=2)
    aliased = identity.runs_from([Link(U, at, "a", (V, W)[at % 2], Origin.ALIAS) for at in range(3)], most=2)

    owners = identity.owners({A: shared, E: (), U: aliased, V: (), W: ()})

    assert {identity.pieces(owners, key) for key in (A, U)} == {
        (Piece(BEGINNING, END, A),),
        (Piece(BEGINNING, END, U),),
    }
    assert identity.inferred(shared, infer_owner=True) == ()
    assert identity.extended(shared, own(A, 9, V)) == shared
    assert identity.members(owners, [A, U], U) == [(U, BEGINNING, END)]


def test_an_e_mail_to_which_too_many_owners_are_concluded_belongs_to_itself() -> None:
    concluded = [Run(E, at, "t", f"5user_id:{at}", Origin.INFERRED, f"1anonymous_id:{at}") for at in range(3)]

    assert identity.bounded(concluded, 3) == tuple(concluded)
    crowded = identity.bounded(concluded, 2)
    assert identity.is_crowded(crowded)
    assert identity.root_at(identity.owners({E: crowded}), E, 9) == E
    said = identity.runs_from([own(E, 1, U)])
    assert identity.root_at(identity.owners({E: (*said, *crowded), U: ()}), E, 9) == U


def test_the_pieces_of_one_lead_below_a_much_shared_key_take_no_time_by_its_owners() -> None:
    """A thousand devices below an e-mail of a thousand users would otherwise have a million pieces."""
    users = [f"5user_id:{at:04}" for at in range(1_000)]
    found = {E: tuple(Run(E, at, "t", user, Origin.OWN) for at, user in enumerate(users))}
    found |= {f"1anonymous_id:{at}": (Run(f"1anonymous_id:{at}", at, "t", E, Origin.OWN),) for at in range(1_000)}
    owners = identity.owners(found)
    begun = time.process_time()

    held = [len(identity.members(owners, [*found, user], user)) for user in users[:50]]

    assert held == [1_002] * 50
    assert time.process_time() - begun < 3


MANY = 20_000


def test_a_device_of_very_many_people_takes_time_by_their_number() -> None:
    """By its square, a batch would outlast its transaction for ever, and its partition would stand still."""
    old: dict[str, tuple[Run, ...]] = {A: tuple(Run(A, at, "t", f"5user_id:{at}", Origin.OWN) for at in range(MANY))}
    old |= {f"5user_id:{at}": () for at in range(MANY + 1)}
    new = old | {A: (*old[A], Run(A, MANY, "t", f"5user_id:{MANY}", Origin.OWN))}
    begun = time.process_time()

    assert identity.moved(identity.owners(old), identity.owners(new), [A]) == [
        (A, MANY, f"5user_id:{MANY - 1}", f"5user_id:{MANY}")
    ]
    assert time.process_time() - begun < 3


@pytest.mark.parametrize("step", [1, -1], ids=["upwards", "downwards"])
def test_a_long_chain_of_aliases_takes_time_by_its_length(step: int) -> None:
    names = [f"5user_id:{place}" for place in range(MANY)][::step]
    chain = {key: (Run(key, int(key[9:]), "t", target, Origin.ALIAS),) for key, target in pairwise(names)}
    known: identity.Known = {}
    begun = time.process_time()

    owners = identity.owners({key: chain.get(key, ()) for key in names})

    assert {identity.root_at(owners, key, END, known) for key in names} == {names[-1]}
    assert len(identity.members(owners, names, names[-1])) == MANY
    assert time.process_time() - begun < 5


def test_very_many_splits_take_time_by_their_number() -> None:
    both = [Run(A, at, "t", f"5user_id:{at // 2}", Origin.SPLIT if at % 2 else Origin.OWN) for at in range(MANY)]
    begun = time.process_time()

    assert {run.target for run in identity.owners({A: both})[A]} == {A}
    assert time.process_time() - begun < 3
