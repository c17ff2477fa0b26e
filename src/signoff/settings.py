"""Settings from the environment (``SIGNOFF_...``) and ``signoff.toml`` in the working folder."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


class Settings(BaseSettings):
    """What the command line does not say.

    - ``artifacts`` (SIGNOFF_ARTIFACTS): folder of a PostgreSQL store's columnar files; a SQLite
      store keeps them beside its file.
    - ``most_upload_bytes`` (SIGNOFF_MOST_UPLOAD_BYTES): how large an uploaded file may be, and what
      it unpacks to.
    - ``webhook_networks`` (SIGNOFF_WEBHOOK_NETWORKS, a JSON array): networks such as "127.0.0.0/8"
      that webhooks may reach although they are not public.
    """

    model_config = SettingsConfigDict(
        env_prefix="SIGNOFF_", toml_file="signoff.toml", extra="ignore"
    )

    artifacts: Path | None = None
    most_upload_bytes: int = Field(default=1_000_000_000, gt=0)
    webhook_networks: tuple[str, ...] = ()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments win over the environment, the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)
