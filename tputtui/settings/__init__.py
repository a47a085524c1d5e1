"""TOML text, environment and flags become `Settings`; each value knows its origin. Nothing here does I/O.

`values` are the settings themselves, `expressions` the small languages a user types, `kinds` and `schema` say what may
stand in a config file, `toml` reads one with all its errors at once, `layers` lays the sources over each other.
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
