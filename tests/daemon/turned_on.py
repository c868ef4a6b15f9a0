"""The definitions as they are, with the two sensors of the inbox turned on and looking every second.

What belongs here: what somebody turns on by hand in the UI. What does not: definitions.
"""

import dagster as dg

from findata_assets.definitions import findata
from findata_assets.sensors.due import due
from findata_assets.sensors.inbox import inbox

for _sensor in (due, inbox):
    _sensor._default_status = dg.DefaultSensorStatus.RUNNING
    _sensor._min_interval = 1

defs = findata()
