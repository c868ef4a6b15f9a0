"""config: the settings in force and what set each of them."""

from __future__ import annotations

from findata_cli import opening, screen


def config() -> None:
    """Show every setting: its value (secrets masked) and what set it."""
    settings = opening.settings_in_force()
    from findata_resources.environment import effective_settings

    rows = [
        (item.variable, item.value, item.source, item.description) for item in effective_settings(settings)
    ]
    screen.show(("variable", "value", "set by", "meaning"), rows)
