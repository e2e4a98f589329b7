"""What the server is set up with: its release, its providers, and the mirror in Notion."""

from uuid import UUID

from spotloom.client.call import Call
from spotloom.client.calls import asks
from spotloom.contract.installation.about import About
from spotloom.contract.installation.providers import ProviderAnswer, Providers
from spotloom.contract.mirrors.notion import (
    NotionStatus,
    Pages,
    ResyncAsk,
    Resynced,
)


def about() -> Call[About]:
    """The server's release, its ways to sign in and, for its admins, where it keeps things."""
    return asks.get("getAbout", "/api/about", About)


def providers() -> Call[Providers]:
    """The providers: which are set up, what they make, and at what dated price."""
    return asks.get("listProviders", "/api/providers", Providers)


def test_provider(provider: str) -> Call[ProviderAnswer]:
    """Really ask a provider whether it answers to its key; nothing is ordered, nothing is paid."""
    path = asks.path_of("/api/providers/{}/test", provider)
    return asks.post("testProvider", path, ProviderAnswer)


def notion() -> Call[NotionStatus]:
    """Whether the videos are shown in Notion, and how its pages stand."""
    return asks.get("getNotion", "/api/notion", NotionStatus)


def notion_of(batch: str | UUID) -> Call[Pages]:
    """How the Notion pages of one batch stand."""
    return asks.get("getNotionOfBatch", asks.path_of("/api/notion/batches/{}", batch), Pages)


def resync_notion(*, batch: str | None = None) -> Call[Resynced]:
    """Tell Notion again of every video, or of those of one batch."""
    body = ResyncAsk(batch_id=batch) if batch is not None else ResyncAsk()
    return asks.post("resyncNotion", "/api/notion/resync", Resynced, body)
