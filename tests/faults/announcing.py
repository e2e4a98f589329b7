"""Sends webhooks to a door without rest: true ones wrongly, false ones, and old ones again."""

import asyncio
import base64
import hmac
import json
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, replace
from hashlib import sha256

import httpx2
from tests.faults.tally import Run
from tests.integration.generating_provider import Sandbox

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
ROUTE = "/api/sora/webhook"
STALE_S = 400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One webhook, signed with that key at that time."""

    job: str
    kind: str
    id: str
    at: int
    key: bytes = KEY

    @classmethod
    def now(cls, job: str, kind: str) -> "Event":
        """A new one, as the provider would send it."""
        return cls(job=job, kind=kind, id=f"evt_{secrets.token_hex(8)}", at=int(time.time()))

    async def send(self, client: httpx2.AsyncClient, url: str) -> int | None:
        """How it was answered; None when nobody did."""
        told = {"id": self.id, "object": "event", "type": self.kind, "data": {"id": self.job}}
        raw = json.dumps(told).encode()
        signed = f"{self.id}.{self.at}.".encode() + raw
        signature = base64.b64encode(hmac.digest(self.key, signed, sha256)).decode()
        headers = {
            "content-type": "application/json",
            "webhook-id": self.id,
            "webhook-timestamp": str(self.at),
            "webhook-signature": f"v1,{signature}",
        }
        try:
            answer = await client.post(url + ROUTE, content=raw, headers=headers)
        except httpx2.TransportError:
            return None
        return answer.status_code


class Sender:
    """Whoever knows the door's address, and one who knows its secret, too."""

    def __init__(self, url: str, sandbox: Sandbox, run: Run) -> None:
        self._url, self._sandbox, self._run = url, sandbox, run
        self._sent: list[Event] = []
        self.refused: list[str] = []  # ids of events that must not be taken
        self.answers: dict[str, Counter[int]] = {}  # by the kind of blow

    async def send_for_ever(self) -> None:
        """About a job of now: forged, stale, early, contradicting, doubled, and old ones again."""
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:
            while True:
                if sold := await asyncio.to_thread(self._sandbox.sold):
                    await self._round(client, random.choice(sold[-8:]).id)
                await asyncio.sleep(0.05)

    async def _round(self, client: httpx2.AsyncClient, job: str) -> None:
        done, failed = (Event.now(job, f"video.{word}") for word in ("completed", "failed"))
        forged = replace(done, id=f"forged_{done.id}", key=b"guessed")
        stale = replace(done, id=f"stale_{done.id}", at=int(done.at - STALE_S))
        self.refused += [forged.id, stale.id]
        await self._send(client, "forged", forged)
        await self._send(client, "stale", stale)
        await self._send(client, "early or late", done)
        await self._send(client, "contradicting", failed)
        await self._send(client, "doubled", *[Event.now(job, "video.completed")] * 20)
        self._sent.append(done)
        await self._send(client, "replayed", random.choice(self._sent))

    async def _send(self, client: httpx2.AsyncClient, blow: str, *events: Event) -> None:
        answers = await asyncio.gather(*(event.send(client, self._url) for event in events))
        heard = [answer for answer in answers if answer is not None]
        self.answers.setdefault(blow, Counter()).update(heard)
        self._run.struck(f"webhooks {blow}", len(heard))
