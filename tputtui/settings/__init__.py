"""Settings from TOML text, environment and flags; each value has its origin. Nothing here does I/O.

`settings_values` holds the values, `expressions` parses objectives and label matchers, `schema`
lists the keys of a config file with their `value_types`, `config_reader` reads one and reports all
errors at once, `setting_layers` merges the sources.
"""

from tputtui.settings.settings_values import (
    Background,
    Limits,
    ProfilePreset,
    ProfileSettings,
    ProfileTrigger,
    Settings,
    TargetSettings,
    ViewSettings,
)

__all__ = [
    "Background",
    "Limits",
    "ProfilePreset",
    "ProfileSettings",
    "ProfileTrigger",
    "Settings",
    "TargetSettings",
    "ViewSettings",
]
