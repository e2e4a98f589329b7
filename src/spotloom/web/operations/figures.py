"""Reads the figures of the house from the database, which knows of every worker."""

from collections.abc import Iterable

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from sqlalchemy import Row, text
from sqlalchemy.ext.asyncio import AsyncSession

MOST_CODES = 50  # the provider chooses the words: a metric must not grow without end

_LANES = text(
    """
    SELECT l.provider, l.account,
           sum(least(l.slot_limit, coalesce(l.adapted_limit, l.slot_limit))) AS "limit",
           sum((SELECT count(*) FROM spotloom.lane_slot s WHERE s.lane_id = l.id)) AS held,
           sum((SELECT count(*) FROM spotloom.generation g
                 WHERE g.lane_id = l.id AND g.status = 'queued')) AS waiting,
           count(*) FILTER (WHERE l.paused_until > clock_timestamp()) AS paused,
           count(*) FILTER (WHERE l.blocked) AS blocked
      FROM spotloom.lane l GROUP BY l.provider, l.account
    """
)
_QUEUE = text(
    """
    SELECT l.provider, extract(epoch FROM clock_timestamp() - min(g.created_at)) AS oldest_s
      FROM spotloom.lane l
      JOIN spotloom.generation g ON g.lane_id = l.id AND g.status = 'queued'
      JOIN spotloom.campaign c ON c.id = g.campaign_id AND c.state = 'active'
     GROUP BY l.provider
    """
)
_STATUSES = text("SELECT status, count(*) AS n FROM spotloom.generation GROUP BY status")
_SPEND = text(
    """
    SELECT coalesce(sum(amount) FILTER (WHERE kind = 'settle'), 0) AS actual,
           coalesce(sum(amount) FILTER (WHERE kind = 'reserve' AND NOT ended AND NOT unclear), 0)
             AS reserved,
           coalesce(sum(amount) FILTER (WHERE kind = 'reserve' AND NOT ended AND unclear), 0)
             AS unknown
      FROM (SELECT kind, amount,
                   bool_or(kind IN ('settle', 'release')) OVER one AS ended,
                   bool_or(kind = 'unknown') OVER one AS unclear
              FROM spotloom.ledger WINDOW one AS (PARTITION BY generation_id)) entries
    """
)
_PHASES = text(
    """
    SELECT l.provider, p.phase, percentile_cont(0.5) WITHIN GROUP (ORDER BY p.seconds) AS half,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY p.seconds) AS most, count(*) AS n
      FROM spotloom.generation g JOIN spotloom.lane l ON l.id = g.lane_id
      CROSS JOIN LATERAL (VALUES
        ('accept', extract(epoch FROM g.accepted_at - g.sent_at)),
        ('make', extract(epoch FROM g.ready_at - g.accepted_at)),
        ('finish', extract(epoch FROM g.over_at - g.ready_at))) AS p (phase, seconds)
     WHERE g.admitted_at > clock_timestamp() - interval '1 hour' AND p.seconds IS NOT NULL
     GROUP BY l.provider, p.phase
    """
)
_FAILURES = text(
    """
    SELECT l.provider, left(g.error_code, 60) AS code, count(*) AS n
      FROM spotloom.generation g JOIN spotloom.lane l ON l.id = g.lane_id
     WHERE g.error_code IS NOT NULL AND g.status <> 'cancelled'
     GROUP BY 1, 2 ORDER BY n DESC LIMIT :most
    """
)
_OUTBOX = text(
    """
    SELECT count(*) FILTER (WHERE state = 'pending') AS pending,
           count(*) FILTER (WHERE state = 'failed') AS failed,
           coalesce(extract(epoch FROM clock_timestamp() -
             min(created_at) FILTER (WHERE state = 'pending')), 0) AS oldest_s
      FROM spotloom.delivery WHERE state <> 'delivered'
    """
)
_MIRROR = text(
    """
    SELECT o.target, o.state, count(*) AS pages,
           coalesce(extract(epoch FROM clock_timestamp() - min(o.since)
             FILTER (WHERE o.state = 'pending')), 0) AS oldest_s,
           count(*) FILTER (WHERE o.error IS NOT NULL) AS failing
      FROM spotloom.mirror_outbox o
      JOIN spotloom.mirror m ON m.target = o.target AND m.workspace_id = o.workspace_id
     GROUP BY o.target, o.state
    """
)
_LAGS = text(
    """
    SELECT target, percentile_cont(0.5) WITHIN GROUP (ORDER BY lag_s) AS half,
           percentile_cont(0.95) WITHIN GROUP (ORDER BY lag_s) AS most
      FROM spotloom.mirror_outbox
     WHERE mirrored_at > clock_timestamp() - interval '1 hour' AND lag_s IS NOT NULL
     GROUP BY target
    """
)
_PLACES = text("SELECT target, throttled, trouble IS NOT NULL AS stopped FROM spotloom.mirror")


async def read(session: AsyncSession) -> list[Metric]:
    """Every figure that this session may see: one workspace's, or those of all."""
    return [
        *_lanes((await session.execute(_LANES)).all()),
        _gauge(
            "queue_oldest_seconds",
            "Age of the oldest video that waits in an active campaign.",
            ["provider"],
            [((row.provider,), row.oldest_s) for row in await session.execute(_QUEUE)],
        ),
        _gauge(
            "generations",
            "Paid attempts by state.",
            ["status"],
            [((row.status,), row.n) for row in await session.execute(_STATUSES)],
        ),
        _spend((await session.execute(_SPEND)).one()),
        _phases((await session.execute(_PHASES)).all()),
        _failures((await session.execute(_FAILURES, {"most": MOST_CODES})).all()),
        *_outbox((await session.execute(_OUTBOX)).one()),
        *_mirrors(
            (await session.execute(_MIRROR)).all(),
            (await session.execute(_LAGS)).all(),
            (await session.execute(_PLACES)).all(),
        ),
    ]


def _lanes(rows: Iterable[Row[tuple[object, ...]]]) -> list[Metric]:
    told = {
        "limit": "Videos that may be at the provider account at once.",
        "held": "Slots that are taken.",
        "waiting": "Videos that wait for a slot.",
        "paused": "Lanes that wait because the provider asked for it.",
        "blocked": "Lanes that a person must resume.",
    }
    rows = list(rows)
    return [
        _gauge(
            f"lane_{name}",
            text,
            ["provider", "account"],
            [((row.provider, row.account), getattr(row, name)) for row in rows],
        )
        for name, text in told.items()
    ]


def _spend(row: Row[tuple[object, ...]]) -> Metric:
    kinds = [((kind,), getattr(row, kind)) for kind in ("actual", "reserved", "unknown")]
    return _gauge(
        "spend_usd", "US dollars charged, reserved, or possibly charged.", ["kind"], kinds
    )


def _phases(rows: Iterable[Row[tuple[object, ...]]]) -> Metric:
    values = [
        ((row.provider, row.phase, quantile), value)
        for row in rows
        for quantile, value in (("0.5", row.half), ("0.95", row.most))
    ]
    return _gauge(
        "generation_phase_seconds",
        "How long videos admitted in the last hour took to be accepted, made and finished.",
        ["provider", "phase", "quantile"],
        values,
    )


def _failures(rows: Iterable[Row[tuple[object, ...]]]) -> Metric:
    family = CounterMetricFamily(
        "spotloom_generation_failures",
        "Attempts that ended badly, by the provider's word for why.",
        labels=["provider", "code"],
    )
    for row in rows:
        family.add_metric([row.provider, row.code], float(row.n))
    return family


def _outbox(row: Row[tuple[object, ...]]) -> list[Metric]:
    return [
        _gauge("outbox_pending", "Outbound webhooks still to arrive.", [], [((), row.pending)]),
        _gauge("outbox_failed", "Outbound webhooks given up.", [], [((), row.failed)]),
        _gauge(
            "outbox_oldest_seconds",
            "Age of the oldest outbound webhook still to arrive.",
            [],
            [((), row.oldest_s)],
        ),
    ]


Rows = Iterable[Row[tuple[object, ...]]]


def _mirrors(pages: Rows, lags: Rows, places: Rows) -> list[Metric]:
    pages, places = list(pages), list(places)
    throttled = CounterMetricFamily(
        "spotloom_mirror_throttled", "Times that it wanted fewer requests.", labels=["target"]
    )
    for row in places:
        throttled.add_metric([row.target], float(row.throttled))
    return [
        throttled,
        _gauge(
            "mirror_pages",
            "Pages elsewhere by state.",
            ["target", "state"],
            [((row.target, row.state), row.pages) for row in pages],
        ),
        _gauge(
            "mirror_failing",
            "Pages whose last try was in vain.",
            ["target"],
            [((row.target,), row.failing) for row in pages if row.state == "pending"],
        ),
        _gauge(
            "mirror_oldest_seconds",
            "Age of the oldest change that is still to be told.",
            ["target"],
            [((row.target,), row.oldest_s) for row in pages if row.state == "pending"],
        ),
        _gauge(
            "mirror_lag_seconds",
            "From a change to its page, for pages written in the last hour.",
            ["target", "quantile"],
            [
                ((row.target, quantile), value)
                for row in lags
                for quantile, value in (("0.5", row.half), ("0.95", row.most))
            ],
        ),
        _gauge(
            "mirror_stopped",
            "Whether nothing can be written there and a person must act.",
            ["target"],
            [((row.target,), int(row.stopped)) for row in places],
        ),
    ]


def _gauge(
    name: str, told: str, labels: list[str], values: Iterable[tuple[tuple[str, ...], object]]
) -> Metric:
    family = GaugeMetricFamily(f"spotloom_{name}", told, labels=labels)
    for words, value in values:
        family.add_metric(list(words), float(str(value)))
    return family
