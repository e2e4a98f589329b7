"""What holds after every run, read in the provider's ledger and in our tables side by side."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from tests.integration.generating import ALIVE, Stage

from spotloom import wiring
from spotloom.campaigns import ledger
from spotloom.creative.status import TERMINAL, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a run came to; lost, doubled and above are zero, or the promise is broken."""

    videos: int
    decided: int  # attempts that we decided to pay for
    accepted: int  # jobs in the provider's ledger
    lost: int
    doubled: int
    above: int  # jobs accepted while more than the limit were at work
    peak: int


def figures(stage: Stage) -> Figures:
    """The provider's ledger beside our tables."""
    videos, sold = stage.videos(), stage.sandbox.sold()
    decided = Counter(v["prompt"] for v in videos if v["admissions"])
    accepted = Counter(s.prompt for s in sold)
    owned = {v["provider_job_id"] for v in videos}
    unsettled = {v["prompt"] for v in videos if v["status"] == Status.UNKNOWN}
    orphans = [s for s in sold if s.id not in owned and s.prompt not in unsettled]
    kept = {row["generation_id"] for row in stage.query(_KEPT)}
    unmade = [
        v
        for v in videos
        if v["status"] not in {*TERMINAL, Status.UNKNOWN}
        or (v["status"] == Status.COMPLETED and v["id"] not in kept)
    ]
    return Figures(
        videos=len(videos),
        decided=decided.total(),
        accepted=accepted.total(),
        lost=len(orphans) + len(unmade),
        doubled=(accepted - decided).total(),
        above=sum(s.running > stage.limit for s in sold),
        peak=stage.sandbox.peak,
    )


_KEPT = "SELECT generation_id FROM spotloom.asset WHERE kind = 'video' AND bytes > 0"


async def assert_sound(stage: Stage) -> Figures:
    """Nothing lost, nothing paid twice, never above the limit, every sum right, nothing held."""
    found = figures(stage)
    assert found.doubled == 0, f"paid twice: {found}\n{stage.told()}"
    assert found.lost == 0, f"lost: {found}\n{stage.told()}"
    assert found.peak <= stage.limit, f"above the limit of {stage.limit}: {found}"
    await assert_balanced(stage)
    assert_no_way_back(stage)
    assert stage.query("SELECT * FROM spotloom.lane_slot") == []
    assert stage.count(ALIVE) == 0, f"a workflow without an end: {stage.told()}"
    failed = stage.query("SELECT * FROM dbos.workflow_status WHERE status = 'ERROR'")
    assert failed == [], f"a workflow ended by a fault: {failed[:2]}"
    return found


def assert_no_way_back(stage: Stage) -> None:
    """No end was ever undone, no progress fell, no job was exchanged for another."""
    ended = tuple(s.value for s in TERMINAL)
    assert (
        stage.query("SELECT * FROM seen WHERE was = ANY(%s) AND became <> was", list(ended)) == []
    )
    assert stage.query("SELECT * FROM seen WHERE progress < progress_was") == []
    assert (
        stage.query("SELECT * FROM seen WHERE job IS DISTINCT FROM job_was AND job_was <> ''") == []
    )


async def assert_balanced(stage: Stage) -> None:
    """Every generation's entries say what became of it, and the sums are those of its campaign."""
    rows = stage.query(
        "SELECT g.id, g.campaign_id, g.status, g.estimated_cost, g.actual_cost,"
        " array_agg(l.kind ORDER BY l.at, l.id) AS kinds,"
        " array_agg(l.amount ORDER BY l.at, l.id) AS amounts"
        " FROM spotloom.generation g LEFT JOIN spotloom.ledger l ON l.generation_id = g.id"
        " GROUP BY g.id"
    )
    sums: dict[UUID, Counter[str]] = {}
    for row in rows:
        entries = list(zip(row["kinds"], row["amounts"], strict=True))
        assert [a for k, a in entries if k == "reserve"] == [row["estimated_cost"]], row
        ends = [entry for entry in entries if entry[0] in {"settle", "release"}]
        unknown = any(kind == "unknown" for kind, _ in entries)
        _assert_end(row, ends, unknown=unknown)
        word = "actual" if ends else "unknown" if unknown else "reserved"
        amount = ends[0][1] if ends else row["estimated_cost"]
        sums.setdefault(row["campaign_id"], Counter())[word] += amount
        sums[row["campaign_id"]]["estimated"] += row["estimated_cost"]
    for campaign_id, counted in sums.items():
        told = await _money(stage, campaign_id)
        assert {
            "estimated": told.estimated,
            "reserved": told.reserved,
            "unknown": told.unknown,
            "actual": told.actual,
        } == {k: Decimal(counted[k]) for k in ("estimated", "reserved", "unknown", "actual")}


def _assert_end(row: dict[str, Any], ends: list[tuple[str, Decimal]], *, unknown: bool) -> None:
    match row["status"]:
        case "completed" | "expired":
            assert ends == [("settle", row["actual_cost"])], row
        case "cancelled" if unknown and not ends:  # gone when it was to stop: nobody said
            assert row["actual_cost"] is None, row
        case "failed" | "cancelled":
            assert len(ends) == 1, row
            assert ends[0][1] == (row["actual_cost"] or 0), row
        case "lost" | "unknown":
            assert ends == [], row
            assert unknown, row
        case _:
            assert ends == [], row
            assert not unknown, row


async def _money(stage: Stage, campaign_id: UUID) -> ledger.Money:
    (row,) = stage.query("SELECT workspace_id FROM spotloom.campaign WHERE id = %s", campaign_id)
    engine, sessions = wiring.database.connect(stage.url, pool=1, role=wiring.database.Role.WORKER)
    try:
        async with sessions() as session:
            return await ledger.money(session, campaign_id, workspace_id=row["workspace_id"])
    finally:
        await engine.dispose()
