"""A process that sends what is in the outbox, to be killed: URL of the database, one origin."""

import asyncio
import sys

from spotloom.campaigns.database import Role, connect
from spotloom.generation.mirrors.outbound import Sender
from spotloom.guarded import Allow, GuardedClient


async def main(url, origin, lease_s):
    engine, sessions = connect(url, pool=4, role=Role.WORKER)
    client = GuardedClient(allow=Allow(origins=frozenset({origin})))
    try:
        await Sender(sessions, client, tick_s=0.05, lease_s=float(lease_s)).run()
    finally:
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
