"""Tells of each provider whether it is set up here, and by which settings."""

from collections.abc import Sequence

from spotloom.providers.provider import Provider
from spotloom.settings import Settings
from spotloom.web.parts import KnownProvider, ProviderSetting
from spotloom.wiring import OPENAI_VIDEOS, SANDBOX


def known_providers(settings: Settings, using: Sequence[Provider]) -> tuple[KnownProvider, ...]:
    """The providers that there are, open where they are in use."""
    adapters = {provider.name: provider for provider in using}
    return (
        KnownProvider(
            name=SANDBOX,
            adapter=adapters.get(SANDBOX),
            settings=(_provider(settings), _concurrent(settings)),
            poll_s=settings.poll_seconds,
        ),
        KnownProvider(
            name=OPENAI_VIDEOS,
            adapter=adapters.get(OPENAI_VIDEOS),
            settings=_of_openai_videos(settings),
            dialect=settings.dialect,
            poll_s=settings.poll_seconds,
        ),
    )


def _of_openai_videos(settings: Settings) -> tuple[ProviderSetting, ...]:
    return (
        ProviderSetting(
            name="SORA_BASE_URL",
            about="The address of a server that speaks /v1/videos.",
            is_set=settings.sora_base_url is not None,
            needed=True,
        ),
        ProviderSetting(
            name="SORA_API_KEY",
            about="Its key, where it asks for one.",
            is_set=settings.sora_api_key is not None,
        ),
        ProviderSetting(
            name="SPOTLOOM_DIALECT",
            about="How that server speaks: generic, sglang, vllm-omni or litellm.",
            is_set="dialect" in settings.model_fields_set,
        ),
        ProviderSetting(
            name="SPOTLOOM_WEBHOOK_SECRET",
            about="Signs the webhooks by which it tells that a video is ready.",
            is_set=settings.webhook_secret is not None,
        ),
        _provider(settings),
        _concurrent(settings),
    )


def _provider(settings: Settings) -> ProviderSetting:
    return ProviderSetting(
        name="SPOTLOOM_PROVIDER",
        about="Where new batches go.",
        is_set="provider" in settings.model_fields_set,
    )


def _concurrent(settings: Settings) -> ProviderSetting:
    return ProviderSetting(
        name="SPOTLOOM_MAX_CONCURRENT",
        about="Videos at once.",
        is_set="max_concurrent" in settings.model_fields_set,
    )
