"""A Clerk whose webhooks cannot be believed stops the start; one that is open is warned of."""

import pytest
from structlog.testing import capture_logs

from spotloom.auth.sign_in import ClerkSettings, SignIn
from spotloom.errors import SetupError
from spotloom.web import sign_in


def configured(webhook_secret: str | None, *organizations: str) -> SignIn:
    clerk = ClerkSettings(
        publishable_key="pk_test_Y2xlcmsuc3R1ZGlvLmV4YW1wbGUk",
        jwt_key="",
        secret_key=None,
        webhook_secret=webhook_secret,
        organizations=frozenset(organizations) or None,
    )
    url = "https://studio.example"
    return SignIn(local=True, password_set=False, clerk=clerk, public_url=url)


@pytest.mark.parametrize("secret", ["whsec_not-base64!", "whsec_", " "])
def test_a_secret_that_was_copied_wrongly_stops_the_start(secret: str) -> None:
    with pytest.raises(SetupError, match="CLERK_WEBHOOK_SECRET"):
        sign_in.router(configured(secret))


def test_a_clerk_that_tells_us_nothing_is_warned_of() -> None:
    with capture_logs() as told:
        sign_in.router(configured(None, "org_1"))
    assert [line["event"] for line in told] == ["clerk.untold"]
    assert "CLERK_WEBHOOK_SECRET" in told[0]["advice"]
    with capture_logs() as told:
        sign_in.router(configured("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "org_1"))
    assert told == []


def test_a_clerk_whose_every_organization_may_come_in_is_warned_of() -> None:
    with capture_logs() as told:
        sign_in.router(configured("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    assert [line["event"] for line in told] == ["clerk.open"]
    assert "Allow users to create organizations" in told[0]["advice"]
    assert "CLERK_ORGANIZATIONS" in told[0]["advice"]
