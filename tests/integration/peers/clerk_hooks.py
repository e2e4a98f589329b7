"""What Clerk tells us by webhook, signed as Svix signs it: the peer sends none."""

import base64
import hmac
import json
import time
import uuid
from hashlib import sha256

import httpx2

WEBHOOK_KEY = b"a key of the test, 24 by"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(WEBHOOK_KEY).decode()


async def told(house, kind, data, *, at=None, **headers):
    """Clerk tells us of something."""
    body = json.dumps(
        {
            "object": "event",
            "type": kind,
            "timestamp": int((at or time.time()) * 1000),
            "data": data,
        }
    )
    given = signed(body) | headers
    async with httpx2.AsyncClient(base_url=house.url, trust_env=False) as clerk:
        return await clerk.post("/api/webhooks/clerk", content=body, headers=given)


def signed(body, *, event_id=None, stamp=None, key=WEBHOOK_KEY):
    event_id, stamp = event_id or f"msg_{uuid.uuid4().hex}", stamp or str(int(time.time()))
    code = hmac.digest(key, f"{event_id}.{stamp}.{body}".encode(), sha256)
    return {
        "svix-id": event_id,
        "svix-timestamp": stamp,
        "svix-signature": f"v1,{base64.b64encode(code).decode()}",
        "content-type": "application/json",
    }


def membership(user, role="org:member", organization="org_acme"):
    return {
        "id": "orgmem_1",
        "role": role,
        "organization": {"id": organization, "name": "Acme", "slug": "acme"},
        "public_user_data": {"user_id": f"user_{user}", "first_name": user.title()},
    }
