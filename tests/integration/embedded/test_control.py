import asyncio
import socket
import stat
from pathlib import Path
from typing import Any

from shared.embedded.control import Ask, ask, serving
from shared.embedded.socket_folder import socket_folder


def _echo(asked: Ask) -> dict[str, Any]:
    return {"asked": asked.value}


async def test_an_instance_answers_on_its_folder(tmp_path: Path) -> None:
    async with serving(tmp_path, _echo):
        assert await asyncio.to_thread(ask, tmp_path, Ask.STATUS) == {"asked": "status"}
        assert await asyncio.to_thread(ask, tmp_path, Ask.STOP) == {"asked": "stop"}
        assert stat.S_IMODE((tmp_path / "control.sock").stat().st_mode) == 0o600

    assert ask(tmp_path, Ask.STATUS) is None


async def test_what_a_killed_instance_left_is_no_obstacle(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "control.sock"))
    assert ask(tmp_path, Ask.STATUS) is None

    async with serving(tmp_path, _echo):
        assert await asyncio.to_thread(ask, tmp_path, Ask.STATUS) == {"asked": "status"}


async def test_nonsense_is_not_answered_and_does_no_harm(tmp_path: Path) -> None:
    async with serving(tmp_path, _echo):
        for nonsense in (b"\n", b'"dance"\n', b"\xff" * 100_000 + b"\n"):
            reader, writer = await asyncio.open_unix_connection(tmp_path / "control.sock")
            writer.write(nonsense)
            assert await reader.read() == b""
            writer.close()

        assert await asyncio.to_thread(ask, tmp_path, Ask.STATUS) == {"asked": "status"}


async def test_a_folder_too_deep_for_a_socket_has_one_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()

    async with serving(deep, _echo):
        assert await asyncio.to_thread(ask, deep, Ask.STATUS) == {"asked": "status"}

    short = socket_folder(deep, "control.sock")
    assert short != deep.resolve()
    short.rmdir()
