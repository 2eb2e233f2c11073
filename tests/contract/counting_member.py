"""A member of a group as a process of its own, so that it can be stopped and continued like a real one.

``python -m tests.contract.counting_member KIND WHERE DSN GROUP TOPIC MEMBER``
"""

import asyncio
import signal
import sys

from shared.database.roles import Role
from shared.streaming.connect import open_log
from tests.contract.consuming import a_loop
from tests.contract.effects import Effects
from tests.contract.logs import LogKind, log_settings


async def main(kind: LogKind, where: str, dsn: str, group: str, topic: str, member_id: str) -> None:
    log = open_log(log_settings(kind, where), Role.SCORING_WORKER)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Effects.connect(dsn) as effects:
        await a_loop(log, effects, group, topic, member_id=member_id).run(stop)


if __name__ == "__main__":
    log_kind: LogKind = "kafka" if sys.argv[1] == "kafka" else "postgres"
    asyncio.run(main(log_kind, *sys.argv[2:]))
