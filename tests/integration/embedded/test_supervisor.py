import asyncio
import signal
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from shared.embedded.child import Answer, Condition, Status
from shared.embedded.supervisor import Supervisor, supervising
from tests.integration.embedded.programs import Answering, failing, kill
from tests.waiting import eventually


def _only(supervisor: Supervisor) -> Status:
    (status,) = supervisor.statuses()
    return status


def _pid(supervisor: Supervisor) -> int:
    pid = _only(supervisor).pid
    assert pid is not None
    return pid


async def _is_ready_after(supervisor: Supervisor, restarts: int) -> bool:
    status = _only(supervisor)
    return status.condition is Condition.READY and status.restarts >= restarts


async def test_a_program_is_ready_when_it_answers_and_gone_afterwards(tmp_path: Path) -> None:
    said: list[str] = []

    async with supervising(tmp_path / "logs", said.append) as supervisor:
        await supervisor.start([Answering(tmp_path).program()])
        assert _only(supervisor).condition is Condition.READY
        pid = _pid(supervisor)

    assert not psutil.pid_exists(pid)
    assert (tmp_path / "logs" / "answering.log").read_text() == "serving\n"
    assert said == []


async def test_a_killed_program_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []

    async with supervising(tmp_path, said.append) as supervisor:
        await supervisor.start([Answering(tmp_path).program()])
        first = _pid(supervisor)
        kill(first)
        await eventually(lambda: _is_ready_after(supervisor, 1), within_seconds=10, what="ready again")

        assert _pid(supervisor) != first
        assert _only(supervisor).last_exit == -signal.SIGKILL
    assert any("killed by SIGKILL" in line for line in said)


async def test_a_stopped_program_is_killed_once_its_patience_is_over_and_started_again(tmp_path: Path) -> None:
    said: list[str] = []

    async with supervising(tmp_path, said.append) as supervisor:
        await supervisor.start([Answering(tmp_path).program(patience_seconds=1.0)])
        kill(_pid(supervisor), signal.SIGSTOP)
        await eventually(lambda: _is_ready_after(supervisor, 1), within_seconds=20, what="ready again")

    assert "answering has not answered for 1 s and is killed" in said


async def test_a_program_that_says_it_recovers_is_waited_for_beyond_its_patience(tmp_path: Path) -> None:
    program = Answering(tmp_path).program()
    recovered_at = asyncio.get_running_loop().time() + 1.5

    async def probe() -> Answer:
        is_recovering = asyncio.get_running_loop().time() < recovered_at
        return Answer.BUSY if is_recovering else await program.probe()

    async with supervising(tmp_path, lambda _: None) as supervisor:
        await supervisor.start([replace(program, probe=probe, patience_seconds=0.5, first_patience_seconds=0.5)])

        assert _only(supervisor).restarts == 0


async def test_pauses_between_starts_grow_and_the_last_words_are_told(tmp_path: Path) -> None:
    said: list[str] = []

    async def has_ended_thrice() -> bool:
        return sum("exit code 7" in line for line in said) >= 3

    async with supervising(tmp_path, said.append) as supervisor:
        starting = asyncio.create_task(supervisor.start([failing()]))
        await eventually(has_ended_thrice, within_seconds=10, what="three ends")
        starting.cancel()

    ends = [line for line in said if "exit code 7" in line]
    assert ["in 0.1 s" in ends[0], "in 0.2 s" in ends[1], "in 0.4 s" in ends[2]] == [True, True, True]
    assert "  cannot go on" in said


async def test_a_program_that_says_it_cannot_start_is_not_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "failing.log").write_text("words of an earlier start\n")

    async def start() -> None:
        async with supervising(tmp_path, said.append) as supervisor:
            await supervisor.start([replace(failing(), final_exit=7)])

    with pytest.raises(ExceptionGroup) as caught:
        await start()

    assert [str(error) for error in caught.value.exceptions] == ["failing cannot start:\ncannot go on"]
    assert said == []


@pytest.mark.parametrize("is_stopped", [False, True])
async def test_a_program_that_will_not_end_is_killed(tmp_path: Path, *, is_stopped: bool) -> None:
    loop = asyncio.get_running_loop()

    async with supervising(tmp_path, lambda _: None) as supervisor:
        await supervisor.start([Answering(tmp_path, is_stubborn=True).program(grace_seconds=0.3)])
        pid = _pid(supervisor)
        if is_stopped:
            kill(pid, signal.SIGSTOP)
        began = loop.time()

    assert loop.time() - began < 5
    assert not psutil.pid_exists(pid)


async def test_children_are_ended_when_the_block_fails(tmp_path: Path) -> None:
    pids: list[int] = []

    async def fail() -> None:
        async with supervising(tmp_path, lambda _: None) as supervisor:
            await supervisor.start([Answering(tmp_path).program()])
            pids.append(_pid(supervisor))
            raise RuntimeError("the block fails")

    with pytest.raises(ExceptionGroup):
        await fail()

    assert not psutil.pid_exists(pids[0])
