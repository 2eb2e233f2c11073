"""What dies with its parent, by whatever way the parent dies."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from shared.embedded.lock import AlreadyRunning, hold, is_held
from tests.waiting import wait_until

_HOLDER = """
import asyncio, signal, sys
from pathlib import Path
from shared.embedded.lock import hold
from shared.embedded.process import spawn
async def main():
    with hold(Path(sys.argv[1])):
        child = await spawn(["/bin/sleep", "600"], environment={}, output=1, death_signal=signal.SIGKILL)
        print(child.pid, flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


@pytest.fixture
def holder(tmp_path: Path) -> "subprocess.Popen[str]":
    environment = {"PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    )


def test_a_killed_holder_leaves_neither_child_nor_lock(holder: "subprocess.Popen[str]", tmp_path: Path) -> None:
    assert holder.stdout is not None
    child = int(holder.stdout.readline())
    assert is_held(tmp_path)
    with pytest.raises(AlreadyRunning, match="already runs on"), hold(tmp_path):
        pass

    holder.kill()
    holder.wait()
    holder.stdout.close()

    wait_until(lambda: not psutil.pid_exists(child), within_seconds=5, what="the child's end")
    with hold(tmp_path):
        assert is_held(tmp_path)
    assert not is_held(tmp_path)


def test_a_folder_that_nobody_ever_held_is_free(tmp_path: Path) -> None:
    assert not is_held(tmp_path)
    assert not is_held(tmp_path / "absent")
