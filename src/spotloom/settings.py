"""Every setting, from the environment or `.env`; docs/settings.md documents each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import urlsplit

from pydantic import (
    AliasChoices,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from spotloom.errors import SetupError

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


class Settings(BaseSettings):
    """What this process was told about its surroundings."""

    model_config = SettingsConfigDict(
        env_prefix="SPOTLOOM_", env_file=".env", extra="ignore", env_ignore_empty=True
    )

    home: Path = Path("~/.local/share/spotloom")
    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    store: str | None = None
    provider: Literal["sandbox", "openai-videos"] = "sandbox"
    sora_api_key: SecretStr | None = Field(None, validation_alias="SORA_API_KEY")
    sora_base_url: HttpUrl | None = Field(None, validation_alias="SORA_BASE_URL")
    webhook_secret: SecretStr | None = None
    dialect: Literal["generic", "sglang", "vllm-omni", "litellm"] = "generic"
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] = 4
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    list_lag_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    request_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    automatic_retries: Annotated[int, Field(ge=0, le=5)] = 1
    max_videos: Annotated[int, Field(ge=1, le=100_000)] = 660
    max_file_mb: Annotated[int, Field(ge=1)] = 2000
    vocabulary: Path | None = None
    public_url: HttpUrl | None = None
    secret: SecretStr | None = None
    reach: str = ""
    oidc_issuer: HttpUrl | None = None
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_admin_email: str | None = None
    clerk_publishable_key: str | None = Field(None, validation_alias="CLERK_PUBLISHABLE_KEY")
    clerk_jwt_key: SecretStr | None = Field(None, validation_alias="CLERK_JWT_KEY")
    clerk_secret_key: SecretStr | None = Field(None, validation_alias="CLERK_SECRET_KEY")
    clerk_webhook_secret: SecretStr | None = Field(None, validation_alias="CLERK_WEBHOOK_SECRET")
    clerk_organizations: str | None = Field(None, validation_alias="CLERK_ORGANIZATIONS")
    notion_api_key: SecretStr | None = Field(None, validation_alias="NOTION_API_KEY")
    notion_database_id: str | None = Field(None, validation_alias="NOTION_DATABASE_ID")
    notion_base_url: HttpUrl = Field(
        HttpUrl("https://api.notion.com"), validation_alias="NOTION_BASE_URL"
    )
    otlp_endpoint: HttpUrl | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    server: HttpUrl | None = None
    key: SecretStr | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "warning"

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, given: SecretStr | None) -> SecretStr | None:
        """Refuse at the door what libpq would repeat, password and all, when it refuses it."""
        if given is None:
            return None
        try:
            parts = urlsplit(given.get_secret_value())
            whole = parts.port != 0
        except ValueError:
            whole = False
        if not whole:
            raise ValueError(
                "cannot be read as a URL; in the password, write @ : / ? # [ ] and % as "
                "%40 %3A %2F %3F %23 %5B %5D and %25"
            )
        if parts.scheme not in {"postgres", "postgresql", "postgresql+psycopg"}:
            raise ValueError("must be a postgresql:// URL")
        return given

    @property
    def videos_address(self) -> str:
        """Where openai-videos is reached; SetupError when nobody has said."""
        if self.sora_base_url is None:
            raise SetupError(
                "The provider openai-videos needs SORA_BASE_URL, the address of a server that "
                "speaks /v1/videos (and SORA_API_KEY, where it asks for a key). Nothing was stored."
            )
        return str(self.sora_base_url)

    @property
    def data(self) -> Path:
        """The data folder, with `~` resolved."""
        return self.home.expanduser().absolute()


def load() -> Settings:
    """The settings in force; SetupError names each that is wrong, by its environment name."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [_wrong(told) for told in error.errors()]
        raise SetupError("These settings cannot be used:\n  " + "\n  ".join(lines)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"The settings file .env cannot be read: {error}.") from error


def _wrong(told: "ErrorDetails") -> str:
    """What is wrong with one setting, with its value where that can be no secret."""
    field = Settings.model_fields.get(str(told["loc"][0]))
    name = _env_name(told["loc"])
    # Addresses may carry a password, and secrets are none of the terminal's business.
    named_by_us = field is not None and field.validation_alias is None
    secret = field is None or "Secret" in str(field.annotation)
    value = f", not {str(told['input'])[:80]!r}" if named_by_us and not secret else ""
    reason = told["msg"].removeprefix("Value error, ")
    return f"{name}: {reason}{value}."


def _env_name(loc: tuple[int | str, ...]) -> str:
    field = str(loc[0])
    info = Settings.model_fields.get(field)
    alias = info.validation_alias if info else None
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    if alias is not None or info is None:
        return str(alias or field)
    return f"SPOTLOOM_{field.upper()}"
