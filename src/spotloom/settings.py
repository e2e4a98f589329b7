"""Every setting, from the environment or `.env`; docs/settings.md documents each."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, HttpUrl, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from spotloom.errors import SetupError


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
    max_concurrent: Annotated[int, Field(ge=1, le=1000)] = 4
    poll_seconds: Annotated[float, Field(gt=0, le=3600)] | None = None
    request_timeout_seconds: Annotated[float, Field(gt=0, le=3600)] = 60.0
    automatic_retries: Annotated[int, Field(ge=0, le=5)] = 1
    max_videos: Annotated[int, Field(ge=1, le=100_000)] = 660
    max_file_mb: Annotated[int, Field(ge=1)] = 2000
    vocabulary: Path | None = None
    log_level: Literal["debug", "info", "warning", "error"] = "warning"

    @property
    def data(self) -> Path:
        """The data folder, with `~` resolved."""
        return self.home.expanduser().absolute()


def load() -> Settings:
    """The settings in force; SetupError names each that is wrong, by its environment name."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{_env_name(e['loc'])}: {e['msg']}." for e in error.errors()]
        raise SetupError("These settings cannot be used:\n  " + "\n  ".join(lines)) from error


def _env_name(loc: tuple[int | str, ...]) -> str:
    field = str(loc[0])
    info = Settings.model_fields.get(field)
    alias = info.validation_alias if info else None
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    if alias is not None or info is None:
        return str(alias or field)
    return f"SPOTLOOM_{field.upper()}"
