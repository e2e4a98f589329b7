"""A stage for what is watched and downloaded: campaigns written as a stranger to our code would."""

import contextlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb
from tests.integration import databases
from tests.integration.generating import order

from spotloom.campaigns import database, ids
from spotloom.campaigns.channels import CAMPAIGNS
from spotloom.creative.pricing import price

PROVIDER = "openai-videos"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A stored campaign: its ids, and those of its combinations and first attempts by key."""

    id: UUID
    workspace_id: UUID
    batch_id: str
    combinations: dict[str, UUID]
    generations: dict[str, UUID]

    @property
    def keys(self) -> list[str]:
        return list(self.combinations)


@dataclass(frozen=True, slots=True)
class Ground:
    """One database with our tables and nothing of ours between it and the test."""

    url: str
    workspace_id: UUID = field(default_factory=ids.new)

    def connect(self, **more: Any) -> "psycopg.Connection[dict[str, Any]]":
        return psycopg.connect(self.url, row_factory=dict_row, **more)

    def run(self, statement: str, *arguments: Any) -> list[dict[str, Any]]:
        """Run it in a transaction of its own; its rows."""
        with self.connect(autocommit=True) as connection:
            cursor = connection.execute(statement, arguments or None)
            return cursor.fetchall() if cursor.description else []

    def workspace(self, workspace_id: UUID | None = None) -> UUID:
        """A workspace, made if it is not there."""
        name = workspace_id or self.workspace_id
        self.run(
            "INSERT INTO spotloom.workspace (id, name) VALUES (%s, %s) ON CONFLICT DO NOTHING",
            *(name, f"w-{name}"),
        )
        return name

    def campaign(self, videos: int, *, workspace_id: UUID | None = None) -> Campaign:
        """A stored campaign of that many queued videos."""
        planned = order(videos)
        workspace = self.workspace(workspace_id)
        campaign, lane, batch_id = ids.new(), ids.new(), f"b-{uuid.uuid4().hex[:8]}"
        plan = planned.plan
        combinations = {c.key: ids.new() for c in plan.combinations}
        generations = {c.key: ids.new() for c in plan.combinations}
        with self.connect() as connection:
            connection.execute(
                "INSERT INTO spotloom.lane (id, workspace_id, provider, account, slot_limit)"
                " VALUES (%s, %s, %s, %s, 4)",
                (lane, workspace, PROVIDER, uuid.uuid4().hex),
            )
            connection.execute(
                "INSERT INTO spotloom.campaign (id, workspace_id, batch_key, brief, brief_hash,"
                " provider, model, estimated_cost) VALUES (%s, %s, %s, %s, '', %s, %s, %s)",
                (
                    *(campaign, workspace, batch_id, Jsonb(planned.written), PROVIDER),
                    *(plan.brief.model, plan.total),
                ),
            )
            for index, (each, request) in enumerate(
                zip(plan.combinations, plan.requests, strict=True)
            ):
                name = f"{campaign}:{each.key}:1"
                values = [list(pair) for pair in each.values]
                connection.execute(
                    "INSERT INTO spotloom.combination (id, workspace_id, campaign_id, key,"
                    " position, values) VALUES (%s, %s, %s, %s, %s, %s)",
                    (combinations[each.key], workspace, campaign, each.key, index, Jsonb(values)),
                )
                cost = price(plan.rate, request.duration)
                connection.execute(
                    "INSERT INTO spotloom.generation (id, workspace_id, campaign_id,"
                    " combination_id, lane_id, attempt, position, priority, request, request_hash,"
                    " idempotency_key, estimated_cost)"
                    " VALUES (%s, %s, %s, %s, %s, 1, %s, 1, %s, '', %s, %s)",
                    (
                        *(generations[each.key], workspace, campaign, combinations[each.key]),
                        *(lane, index, Jsonb(request.to_json()), name, cost),
                    ),
                )
                connection.execute(
                    "INSERT INTO spotloom.ledger (id, workspace_id, campaign_id, generation_id,"
                    " kind, amount) VALUES (%s, %s, %s, %s, 'reserve', %s)",
                    (ids.new(), workspace, campaign, generations[each.key], cost),
                )
        return Campaign(campaign, workspace, batch_id, combinations, generations)

    def again(self, campaign: Campaign, key: str) -> UUID:
        """A second attempt at the combination, as a retry stores it."""
        fresh = ids.new()
        self.run(
            "INSERT INTO spotloom.generation (id, workspace_id, campaign_id, combination_id,"
            " lane_id, attempt, position, priority, request, request_hash, idempotency_key,"
            " estimated_cost) SELECT %s, workspace_id, campaign_id, combination_id, lane_id,"
            " attempt + 1, position + 100000, priority, request, request_hash,"
            " idempotency_key || '+', estimated_cost FROM spotloom.generation WHERE id = %s",
            *(fresh, campaign.generations[key]),
        )
        return fresh

    def finish(self, batch_id: str, key: str, place: str, *, sha256: str, size: int) -> None:
        """The video of that key is finished, with the file that the store has at that place."""
        self.run(
            "WITH done AS (UPDATE spotloom.generation g SET status = 'completed', over_at = now()"
            " FROM spotloom.combination k, spotloom.campaign c WHERE k.id = g.combination_id"
            " AND c.id = g.campaign_id AND c.batch_key = %s AND k.key = %s"
            " RETURNING g.id, g.workspace_id)"
            " INSERT INTO spotloom.asset (id, workspace_id, generation_id, kind, uri, sha256,"
            " bytes, content_type, width, height)"
            " SELECT %s, workspace_id, id, 'video', %s, %s, %s, 'video/mp4', 9, 9 FROM done",
            *(batch_id, key, ids.new(), place, sha256, size),
        )

    def tell(self, campaign: Campaign) -> None:
        """Say that the campaign changed."""
        self.run("SELECT pg_notify(%s, %s)", CAMPAIGNS, str(campaign.id))


@contextlib.contextmanager
def ground(server_url: str) -> Iterator[Ground]:
    """A database of its own, dropped afterwards."""
    like = databases.template(server_url, database.migrate)
    with databases.database(server_url, like=like) as url:
        yield Ground(url)
