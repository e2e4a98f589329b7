"""Starts and stops the durable engine (DBOS), and nothing else.

Pinned exactly, and imported in this room only: it is open core and drifts.
"""

import asyncio
import datetime as dt
import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import structlog
from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos._dbos import _get_dbos_instance
from dbos._utils import INTERNAL_QUEUE_NAME
from psycopg.errors import SqlclientUnableToEstablishSqlconnection as Unreachable
from sqlalchemy import Dialect, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from spotloom.campaigns.database import driver_url, end_idle_transactions
from spotloom.generation import workflow
from spotloom.generation.lanes import Admitted

log = structlog.get_logger()

# Constant, so that a new release goes on with what an older one began.
VERSION = "spotloom-1"
KEPT = dt.timedelta(days=1)
PRUNED_AT_ONCE = 500
CANCEL_AGAIN_S = 0.5
FINISHES_PER_CORE = 4  # downloads overlap; the worker processes bound what is decoded at once


def launch(url: str, *, executor: str) -> None:
    """Start the engine in this process; call it inside the event loop that is to run the work."""
    config: DBOSConfig = {
        "name": "spotloom",
        "system_database_url": driver_url(url),
        "system_database_engine": _database(url),
        "application_version": VERSION,
        "executor_id": executor,
        "enable_otlp": False,
        "max_executor_threads": 16,
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


async def pick_up(executor: str, *, missing: frozenset[str]) -> frozenset[str]:
    """Run again what the engine's tables say runs here, but does not; what is missing now.

    A workflow counts as missing at the second look (`missing` is what the first one saw), so one
    that is just about to start is left alone.
    """
    return await asyncio.to_thread(_pick_up, executor, missing)


def _pick_up(executor: str, missing: frozenset[str]) -> frozenset[str]:
    engine = _get_dbos_instance()
    here = set(engine._active_workflows_set.activeList())
    pending = engine._sys_db.get_pending_workflows(executor, VERSION)
    gone = {w.workflow_id for w in pending} - here
    for workflow_id in gone & missing:
        log.warning("workflow.picked_up", workflow_id=workflow_id)
        engine._sys_db.reenqueue_for_recovery(workflow_id, [executor], INTERNAL_QUEUE_NAME)
    return frozenset(gone - missing)


def _database(url: str) -> Engine:
    """The engine's pool, made so that an absent database is waited for.

    psycopg tells of a server that is down without a code, and DBOS then takes the error for
    final, so the code of a failed connection is put on (measured: without it, each restart of
    PostgreSQL left videos with a dead workflow under a living worker).
    """
    engine = create_engine(
        driver_url(url),
        pool_size=10,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"connect_timeout": 10, "application_name": "spotloom engine"},
    )
    event.listen(engine, "connect", end_idle_transactions)

    @event.listens_for(engine, "do_connect")
    def connect(
        dialect: Dialect, _record: object, arguments: list[Any], keywords: dict[str, Any]
    ) -> DBAPIConnection:
        try:
            return dialect.connect(*arguments, **keywords)
        except psycopg.OperationalError as error:
            if error.sqlstate is None:
                raise Unreachable(str(error)) from error
            raise

    return engine


async def stop() -> None:
    """Stop the engine; unfinished workflows stay for whoever takes over."""
    # It complains of tasks that were cancelled, or come too late; these are, on purpose.
    logging.getLogger("dbos").setLevel(logging.CRITICAL)
    while tasks := {t for t in asyncio.all_tasks() if _carries_workflow(t)}:
        await end(tasks)
    database = _get_dbos_instance()._sys_db.engine  # ours, so DBOS leaves it open
    # The engine has put its own threads under the loop, and takes them away with itself.
    with ThreadPoolExecutor(1) as last:
        await asyncio.get_running_loop().run_in_executor(last, DBOS.destroy)
    database.dispose()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor())


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel the tasks until each has ended; a single cancel may be swallowed on its way."""
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)


def _carries_workflow(task: "asyncio.Task[object]") -> bool:
    return getattr(task.get_coro(), "__name__", "") == "_execute_workflow_async"
