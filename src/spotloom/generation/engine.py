"""Starts and stops the durable engine (DBOS), and nothing else.

Pinned exactly, and imported in this room only: it is open core and drifts.
"""

import asyncio
import datetime as dt
import logging
import os
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS, DBOSConfig, SetWorkflowID

from spotloom.campaigns.database import driver_url
from spotloom.generation import workflow
from spotloom.generation.lanes import Admitted

# Constant, so that a new release goes on with what an older one began.
VERSION = "spotloom-1"
KEPT = dt.timedelta(days=1)
PRUNED_AT_ONCE = 500
FINISHES_PER_CORE = 4  # downloads overlap; the worker processes bound what is decoded at once


def launch(url: str, *, executor: str) -> None:
    """Start the engine in this process; call it inside the event loop that is to run the work."""
    config: DBOSConfig = {
        "name": "spotloom",
        "system_database_url": driver_url(url),
        "application_version": VERSION,
        "executor_id": executor,
        "enable_otlp": False,
        "max_executor_threads": 16,
        "sys_db_pool_size": 10,
        "log_level": "WARNING",
        "notification_listener_polling_interval_sec": 1.0,
    }
    logging.getLogger("dbos").setLevel(logging.WARNING)  # at INFO it advertises its console
    DBOS(config=config)
    DBOS.launch()


async def open_queue(finishes: int | None) -> None:
    """Make the one queue, on which files are finished wherever there is room.

    `finishes` of them at once in each worker; None is four per core.
    """
    await DBOS.register_queue_async(
        workflow.FINISH_QUEUE,
        worker_concurrency=finishes or FINISHES_PER_CORE * (os.cpu_count() or 1),
        polling_interval_sec=0.25,
        on_conflict="always_update",
    )


async def start(admitted: Admitted) -> None:
    """Start the durable work of an admitted video; a second start of the same changes nothing."""
    with SetWorkflowID(admitted.workflow_id):
        await DBOS.start_workflow_async(
            workflow.generate, str(admitted.generation_id), admitted.admission
        )


async def recover(executor: str) -> None:
    """Make the unfinished work of a dead executor run again, here or elsewhere."""
    # Private, but the only way that the open-source engine has.
    await asyncio.to_thread(DBOS._recover_pending_workflows, [executor])


async def prune() -> None:
    """Forget finished workflows of more than a day ago; what they did stands in our tables."""
    before = (dt.datetime.now(dt.UTC) - KEPT).isoformat()
    while True:
        old = await DBOS.list_workflows_async(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before,
            limit=PRUNED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if old:
            await DBOS.delete_workflows_async([w.workflow_id for w in old])
        if len(old) < PRUNED_AT_ONCE:
            return


async def stop() -> None:
    """Stop the engine; unfinished workflows stay for whoever takes over."""
    # It warns of tasks that were cancelled; these are, on purpose.
    logging.getLogger("dbos").setLevel(logging.ERROR)
    tasks = {t for t in asyncio.all_tasks() if _carries_workflow(t)}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    # The engine has put its own threads under the loop, and takes them away with itself.
    with ThreadPoolExecutor(1) as last:
        await asyncio.get_running_loop().run_in_executor(last, DBOS.destroy)
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


def _carries_workflow(task: "asyncio.Task[object]") -> bool:
    return getattr(task.get_coro(), "__name__", "") == "_execute_workflow_async"
