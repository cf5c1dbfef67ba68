"""What `prefect deploy` asks us for: settings that schedules and the worker's folder depend on."""

from __future__ import annotations

import os

from profiles.settings import REPOSITORY, load_settings

UNITS = ((60, 1, "* * * * * */{}"), (60, 60, "*/{} * * * *"), (24, 3600, "0 */{} * * *"))


def settings() -> dict[str, str]:
    """Return the poll's schedule, the zone of the schedules and the folder of the code.

    A build step of prefect.yaml: `{{ settings.poll_cron }}` and the like stand for what it returns.
    Raises SettingsError.
    """
    known = load_settings()
    return {
        "poll_cron": cron_of(known.tracker_poll_seconds),
        "timezone": known.tracker_timezone,
        "code_folder": os.environ.get("TRACKER_CODE_FOLDER") or str(REPOSITORY),
    }


def cron_of(seconds: int) -> str:
    """Return the schedule that polls at least every so many seconds; five fields from a minute on, else six.

    Cron, because prefect.yaml takes no placeholder for an interval. An interval that does not divide the
    minute, the hour or the day (700 s) becomes the next shorter one that does (10 minutes): more often loses
    nothing.
    """
    count, unit, pattern = next((each for each in UNITS if seconds < each[0] * each[1]), UNITS[-1])
    steps = [step for step in range(1, count) if count % step == 0 and step * unit <= seconds]
    return pattern.format(max(steps))
