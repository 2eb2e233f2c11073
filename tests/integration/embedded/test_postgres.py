import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from shared.database.engine import connect
from shared.database.migrate import current, head, upgrade
from shared.embedded.account import identity
from shared.embedded.child import Condition
from shared.embedded.cluster import SHELF, Cluster, open_cluster
from shared.embedded.postgres import postgres_program, prepare
from shared.embedded.supervisor import Supervisor, supervising
from tests.embedded_server import running
from tests.waiting import eventually, wait_until


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that any account can pass through, unlike pytest's own."""
    with tempfile.TemporaryDirectory(prefix="tragt-test-") as name:
        Path(name).chmod(0o755)
        yield Path(name) / "postgres"


@pytest.fixture
def cluster(folder: Path) -> Cluster:
    return open_cluster(folder, lambda _: None)


@pytest.fixture
async def supervisor(cluster: Cluster, tmp_path: Path) -> AsyncIterator[Supervisor]:
    async with supervising(tmp_path, lambda _: None) as supervisor:
        await supervisor.start([postgres_program(cluster)])
        await prepare(cluster)
        yield supervisor


def _pid(supervisor: Supervisor) -> int:
    (status,) = supervisor.statuses()
    assert status.pid is not None
    return status.pid


async def _heals(supervisor: Supervisor, old: int) -> None:
    async def is_back() -> bool:
        (status,) = supervisor.statuses()
        return status.condition is Condition.READY and status.pid != old

    await eventually(is_back, within_seconds=30, what="PostgreSQL back")


async def test_services_log_in_without_privileges(cluster: Cluster) -> None:
    async with running(cluster) as dsn:
        await upgrade(dsn)

        connection = await connect(dsn)
        row = await connection.fetchrow(
            "SELECT rolsuper, rolcreaterole, rolcreatedb, rolbypassrls FROM pg_roles WHERE rolname = session_user"
        )
        settings = [
            await connection.fetchval(f"SHOW {name}") for name in ("fsync", "data_checksums", "listen_addresses")
        ]
        await connection.close()
        assert row is not None
        assert not any(row.values())
        assert settings == ["on", "on", ""]
        assert await current(dsn) == head()


async def test_a_wrong_password_is_refused(cluster: Cluster) -> None:
    async with running(cluster) as dsn:
        with pytest.raises(asyncpg.InvalidPasswordError):
            await connect(dsn.replace(cluster.passwords["tragt"], "guess"))


async def test_what_was_committed_outlives_a_kill(supervisor: Supervisor, cluster: Cluster) -> None:
    connection = await connect(cluster.dsn())
    await connection.execute("CREATE TEMP TABLE gone (n int)")
    await connection.execute("CREATE SCHEMA IF NOT EXISTS kept AUTHORIZATION tragt_owner")
    old = _pid(supervisor)

    os.kill(old, signal.SIGKILL)
    await _heals(supervisor, old)

    again = await connect(cluster.dsn())
    assert await again.fetchval("SELECT count(*) FROM pg_namespace WHERE nspname = 'kept'") == 1
    await again.close()
    connection.terminate()


async def test_a_backend_killed_heals_without_a_restart_of_the_server(supervisor: Supervisor, cluster: Cluster) -> None:
    connection = await connect(cluster.dsn())
    backend = await connection.fetchval("SELECT pg_backend_pid()")

    os.kill(backend, signal.SIGKILL)

    async def answers() -> bool:
        try:
            again = await connect(cluster.dsn())
        except (asyncpg.PostgresError, OSError):
            return False
        await again.close()
        return True

    await eventually(answers, within_seconds=20, what="an answer after the server's own recovery")
    assert supervisor.statuses()[0].restarts == 0
    connection.terminate()


async def test_a_stopped_server_is_replaced(cluster: Cluster, tmp_path: Path) -> None:
    program = replace(postgres_program(cluster), patience_seconds=1.0)
    async with supervising(tmp_path, lambda _: None) as supervisor:
        await supervisor.start([program])
        old = _pid(supervisor)
        os.kill(old, signal.SIGSTOP)
        await _heals(supervisor, old)


async def test_a_note_with_the_number_of_another_process_does_not_block_a_start(cluster: Cluster) -> None:
    async with running(cluster):
        note = (cluster.data / "postmaster.pid").read_text()
    lines = note.splitlines()
    lines[0] = str(os.getppid())
    (cluster.data / "postmaster.pid").write_text("\n".join(lines))

    async with running(cluster) as dsn:
        await (await connect(dsn)).close()


@pytest.fixture
def orphan(cluster: Cluster) -> "subprocess.Popen[bytes]":
    """A server whose supervisor is gone."""
    orphan = subprocess.Popen(
        cluster.command, env=cluster.environment, cwd="/", stderr=subprocess.DEVNULL, **identity(cluster.account)
    )
    wait_until((cluster.sockets / ".s.PGSQL.5432").exists, within_seconds=20, what="the orphan's socket")
    return orphan


async def test_a_server_left_over_by_a_killed_instance_is_replaced(
    cluster: Cluster, orphan: "subprocess.Popen[bytes]"
) -> None:
    async with running(cluster) as dsn:
        await (await connect(dsn)).close()

    assert orphan.wait(10) is not None


async def test_an_unfinished_cluster_is_made_again(folder: Path) -> None:
    half = folder.with_name("half")
    cluster = open_cluster(half, lambda _: None)
    (half / "new").mkdir()
    (half / "new" / "data").mkdir()

    cluster.data.rename(half / "set-aside")
    again = open_cluster(half, lambda _: None)

    assert (again.data / "PG_VERSION").exists()
    assert not (half / "new").exists()


async def test_a_server_that_cannot_start_is_tried_again_and_its_words_are_told(folder: Path, tmp_path: Path) -> None:
    cluster = open_cluster(folder.with_name("broken"), lambda _: None)
    (cluster.data / "PG_VERSION").write_text("9.6\n")
    said: list[str] = []

    async def has_ended_twice() -> bool:
        return sum("postgres ended (exit code 1)" in line for line in said) >= 2

    async with supervising(tmp_path, said.append) as supervisor:
        starting = asyncio.create_task(supervisor.start([postgres_program(cluster)]))
        await eventually(has_ended_twice, within_seconds=20, what="two ends")
        starting.cancel()

    assert any("was initialized by PostgreSQL version 9.6" in line for line in said)


def test_passwords_are_for_us_alone(cluster: Cluster) -> None:
    assert (cluster.home / "passwords.json").stat().st_mode & 0o077 == 0
    assert not any(password in repr(cluster.command) for password in cluster.passwords.values())


async def test_a_folder_that_the_database_account_cannot_reach_is_said(tmp_path: Path) -> None:
    said: list[str] = []
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    cluster = open_cluster(closed / "postgres", said.append)

    if cluster.account is None:
        assert cluster.home == closed / "postgres"
    else:
        assert cluster.home.parent == SHELF
        assert f"cannot reach {closed / 'postgres'}: the database lies in {cluster.home}" in " ".join(said)
    async with running(cluster) as dsn:
        await (await connect(dsn)).close()
    _remove(cluster)


def _remove(cluster: Cluster) -> None:
    shutil.rmtree(cluster.home)
