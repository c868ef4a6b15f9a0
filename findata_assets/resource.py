"""The one resource of the assets: a Platform, opened for a run and closed with it, or handed to it."""

import dagster as dg
from pydantic import PrivateAttr

from findata_assets.steps.platform import Platform, open_platform
from findata_resources import tracing
from findata_resources.environment import load_settings


class PlatformResource(dg.ConfigurableResource[Platform]):
    """Connects to what the settings name, or to the running embedded servers."""

    _platform: Platform | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Resolve the endpoints; connections open when a step first uses them."""
        self._platform = open_platform(load_settings())
        tracing.begin_run(context.run_id)

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connections."""
        del context
        tracing.end_run()
        if self._platform is not None:
            self._platform.close()

    @property
    def steps(self) -> Platform:
        """The platform that the steps take."""
        if self._platform is None:
            self._platform = open_platform(load_settings())
        return self._platform


def given(platform: Platform) -> PlatformResource:
    """Return the resource of the assets on a platform that is open, and stays so.

    Runs in one process share its connections, its calendars and what it has parsed.
    """

    class Given(PlatformResource):
        def setup_for_execution(self, context: dg.InitResourceContext) -> None:
            """It is connected."""

        def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
            """It belongs to the caller."""

        @property
        def steps(self) -> Platform:
            return platform

    return Given()
