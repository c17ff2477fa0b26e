"""Settings from the environment (``SIGNOFF_...``) and ``signoff.toml`` in the working folder."""

from __future__ import annotations

from pathlib import Path

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
    """

    model_config = SettingsConfigDict(
        env_prefix="SIGNOFF_", toml_file="signoff.toml", extra="ignore"
    )

    artifacts: Path | None = None

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
