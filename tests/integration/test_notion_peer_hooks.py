"""The webhooks of the Notion of the tests: as Notion's, and lost, doubled or forged as scripted."""

import asyncio
import json

from tests.integration.notion_peer.stage import folder, notion, official, peer
from tests.integration.receivers import Receiver

__all__ = ["folder", "notion", "official", "peer"]  # fixtures


async def test_a_webhook_is_paired_signed_gathered_and_believed_by_the_sdk(
    official, notion, wait_until_async
):
    async with Receiver(200).listening() as receiver:
        subscription = await asyncio.to_thread(notion.peer.subscribe, receiver.url)
        (first,) = receiver.received
        token = json.loads(first.body)["verification_token"]
        page = notion.created(1)["id"]
        notion.peer.verify(subscription, token)
        notion.peer.faults(hooks={"delaySeconds": 3})
        for cost in (1, 2, 3):
            notion.peer.edit(page, {"Cost": {"number": cost}})
        notion.peer.edit(page, {"Winner": {"checkbox": True}})
        await wait_until_async(lambda: len(receiver.received) > 1, 30)
        (event,) = receiver.received[1:]
        assert event.event["type"] == "page.properties_updated"
        assert event.event["entity"] == {"id": page, "type": "page"}
        assert len(event.event["data"]["updated_properties"]) == 2
        signed = {"body": event.body.decode(), "signature": event.headers["x-notion-signature"]}
        assert official.told("verifyWebhookSignature", **signed, verificationToken=token) == {
            "answer": True
        }
        forged = official.told("verifyWebhookSignature", **signed, verificationToken=token + "x")
        assert forged == {"answer": False}
        notion.peer.unsubscribe(subscription)
        assert notion.peer.ledger()["problems"] == []


async def test_webhooks_are_lost_doubled_reordered_and_forged_as_scripted(
    official, notion, wait_until_async
):
    async with Receiver(200).listening() as receiver:
        subscription = await asyncio.to_thread(notion.peer.subscribe, receiver.url)
        token = json.loads(receiver.received.pop().body)["verification_token"]
        notion.peer.verify(subscription, token)
        hooks = {"lost": {"only": [2]}, "doubled": {"only": [3]}, "reordered": True}
        notion.peer.faults(hooks=hooks | {"delaySeconds": 2, "forged": {"only": [4]}})
        pages = [notion.created(number)["id"] for number in range(4)]
        await wait_until_async(lambda: len(receiver.received) == 4, 30)
        heard = [one.event["entity"]["id"] for one in receiver.received]
        # The last one first; of the four the second that is sent is lost, the third comes twice.
        assert heard == [pages[3], pages[1], pages[1], pages[0]]
        believed = [
            official.told(
                "verifyWebhookSignature",
                body=one.body.decode(),
                signature=one.headers["x-notion-signature"],
                verificationToken=token,
            )["answer"]
            for one in receiver.received
        ]
        assert believed == [True, True, True, False]
        notion.peer.unsubscribe(subscription)
