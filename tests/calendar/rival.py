"""Working time by Python's businesstimedelta, for `python.rs`; with --time, how many dues a second it finds.

Reads a line of JSON a calendar (zone, week, holidays, cases of start, budget and other end in seconds) and answers each
with a line: due and elapsed seconds a case.
"""

import datetime
import json
import sys
import time

import pytz
from businesstimedelta import BusinessTimeDelta, HolidayRule, Rules, WorkDayRule


def rules(calendar):
    zone = pytz.timezone(calendar["zone"])
    found = []
    for day, windows in enumerate(calendar["week"]):
        for window in windows:
            start, end = (datetime.time.fromisoformat(word) for word in window)
            found.append(WorkDayRule(start_time=start, end_time=end, working_days=[day], tz=zone))
    holidays = {datetime.date.fromisoformat(word) for word in calendar["holidays"]}
    return Rules(found + [HolidayRule(holidays, tz=zone)])


def instant(seconds):
    return datetime.datetime.fromtimestamp(seconds, pytz.utc)


def answer(calendar):
    working = rules(calendar)
    found = []
    for start, budget, other in calendar["cases"]:
        due = instant(start) + BusinessTimeDelta(working, timedelta=datetime.timedelta(seconds=budget))
        elapsed = working.difference(instant(start), instant(other)).timedelta
        found.append([int(due.timestamp()), int(elapsed.total_seconds())])
    return found


def timed():
    week = [[["09:00", "12:00"], ["13:30", "18:00"]]] * 5 + [[], []]
    holidays = [f"{year}-{day}" for year in range(2025, 2040) for day in ("01-01", "05-01", "10-01", "10-02", "10-03")]
    working = rules({"zone": "Asia/Shanghai", "week": week, "holidays": holidays})
    for name, hours in (("1 day", 7), ("1 month", 155), ("10 years", 18_500)):
        budget = BusinessTimeDelta(working, hours=hours)
        began, count = time.perf_counter(), 0
        while count < 3 or time.perf_counter() - began < 1:
            instant(1_735_689_600 + count * 7_919 % 60_000_000) + budget
            count += 1
        print(f"due after {name}: {count / (time.perf_counter() - began):.1f} a second")


if sys.argv[1:] == ["--time"]:
    timed()
else:
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
