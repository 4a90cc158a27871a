"""The times that a question speaks of: which days, what of the words is cut, and what is no time."""

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loci.server.retrieval.when import Times, times

# A Wednesday.
NOW = datetime(2023, 11, 15, 12, tzinfo=UTC)
FIRST, LAST = datetime(2022, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC)


def days(text: str, now: datetime = NOW) -> list[str]:
    """The periods of a text from 2022 to 2024, by their first and last days."""
    found = times(text, now).ranges(FIRST, LAST)
    return [f"{start:%Y-%m-%d}..{end - timedelta(days=1):%Y-%m-%d}" for start, end in found]


def inside(found: Times, *moments: datetime) -> list[float]:
    micros = [int(moment.timestamp()) * 1_000_000 for moment in moments]
    return found.inside(np.array(micros, np.int64)).tolist()


DATES = {
    "What was on 2023-05-07?": "2023-05-07..2023-05-07",
    "What was in 2023-05?": "2023-05-01..2023-05-31",
    "2023/05/07": "2023-05-07..2023-05-07",
    "2023-05-07T10:30": "2023-05-07..2023-05-07",
    "Was war am 7.5.2023?": "2023-05-07..2023-05-07",
    "am 25/12/2023": "2023-12-25..2023-12-25",
    "我在2023年5月7日去了哪里": "2023-05-07..2023-05-07",
    "2023年5月の写真": "2023-05-01..2023-05-31",
    "on 7 May 2023": "2023-05-07..2023-05-07",
    "on 7 may 2023": "2023-05-07..2023-05-07",
    "May 7th, 2023": "2023-05-07..2023-05-07",
    "on Sunday, May 7, 2023": "2023-05-07..2023-05-07",
    "Sept. 5th 2023": "2023-09-05..2023-09-05",
    "May 7-9, 2023": "2023-05-07..2023-05-09",
    "7 to 9 May 2023": "2023-05-07..2023-05-09",
    "between March 3 and March 10, 2023": "2023-03-03..2023-03-10",
    "from June to August 2024": "2024-06-01..2024-08-31",
    "from December to February 2024": "2023-12-01..2024-02-29",
    "between 2022 and 2023": "2022-01-01..2023-12-31",
    "in 2023": "2023-01-01..2023-12-31",
    "the beginning of November 2022": "2022-11-01..2022-11-11",
    "in mid-January 2023": "2023-01-09..2023-01-22",
    "at the end of September 2023": "2023-09-19..2023-09-30",
    "the first half of September 2022": "2022-09-01..2022-09-15",
    "first week of March 2023": "2023-03-01..2023-03-07",
    "the last week of 2022": "2022-12-25..2022-12-31",
    "summer of 2022": "2022-06-01..2022-08-31",
    "winter 2022": "2022-12-01..2023-02-28",
    "Q3 2024": "2024-07-01..2024-09-30",
    "Christmas 2022": "2022-12-24..2022-12-26",
    "New Year's Eve 2022": "2022-12-31..2022-12-31",
    "the week before 9 June 2023": "2023-06-02..2023-06-09",
    "two weeks before August 11, 2023": "2023-07-28..2023-08-11",
    "the Sunday before October 25, 2022": "2022-10-23..2022-10-25",
    "the Tuesday after October 22, 2022": "2022-10-22..2022-10-25",
    "the weekend of June 10, 2023": "2023-06-09..2023-06-11",
    "the week of May 5, 2023": "2023-05-01..2023-05-07",
    "last Friday on 23 January, 2022": "2022-01-23..2022-01-23",
    "since June 2024": "2024-06-01..2024-12-31",
    "before May 2022": "2022-01-01..2022-04-30",
    "until 2022": "2022-01-01..2022-12-31",
    "after June 5, 2024": "2024-06-06..2024-12-31",
    "by the end of May 2022": "2022-01-01..2022-05-31",
}

RELATIVE = {
    "yesterday": "2023-11-14..2023-11-14",
    "the day before yesterday": "2023-11-13..2023-11-14",
    "this morning": "2023-11-15..2023-11-15",
    "last Friday": "2023-11-10..2023-11-10",
    "last Wednesday": "2023-11-08..2023-11-08",
    "next Monday": "2023-11-20..2023-11-20",
    "on Monday": "2023-11-13..2023-11-13",
    "last week": "2023-11-06..2023-11-12",
    "last weekend": "2023-11-11..2023-11-12",
    "this month": "2023-11-01..2023-11-30",
    "next month": "2023-12-01..2023-12-31",
    "last year": "2022-01-01..2022-12-31",
    "the past 3 weeks": "2023-10-25..2023-11-15",
    "two weeks ago": "2023-10-29..2023-11-04",
    "a few days ago": "2023-11-11..2023-11-13",
    "a couple of months ago": "2023-08-12..2023-10-21",
    "last May": "2023-05-01..2023-05-31",
    "last December": "2022-12-01..2022-12-31",
    "next March": "2024-03-01..2024-03-31",
    "last spring": "2023-03-01..2023-05-31",
    "last Christmas": "2022-12-24..2022-12-26",
    "since April": "2023-04-01..2024-12-31",
    "before the end of last month": "2022-01-01..2023-10-19",
}

NO_TIMES = [
    "What might she do in 20 minutes?",
    "May I ask what May said?",
    "What did May and June say to April?",
    "Where did August's sister go?",
    "a gift for June",
    "She may 2 times.",
    "The march to freedom",
    "How do I march in step?",
    "Wait a second, the sun sat on mon",
    "version 3.11 or v10.2024 or 1.2023.4",
    "on Feb 30",
    "on 2023-13-45",
    "How long did it last 3 weeks in a row?",
    "He had a fall near the spring.",
    "Before the Spring Festival",
    "during the May Day gathering",
    "2025 stamps",
    "a week before the holiday",
    "the next day",
    "",
]


@pytest.mark.parametrize(("text", "expected"), DATES.items())
def test_dates_are_days(text: str, expected: str) -> None:
    assert days(text) == [expected]


@pytest.mark.parametrize(("text", "expected"), RELATIVE.items())
def test_what_is_relative_is_seen_from_now(text: str, expected: str) -> None:
    assert days(text) == [expected]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_only_looks_like_a_time_is_none(text: str) -> None:
    found = times(text, NOW)
    assert found == Times()
    assert found.without(text) == text
    assert inside(found, NOW) == [0.0]


def test_a_month_without_a_year_is_that_month_of_every_year() -> None:
    months = ["2022-10-01..2022-10-31", "2023-10-01..2023-10-31", "2024-10-01..2024-10-31"]
    assert days("What happened in October?") == months
    moments = [datetime(year, 10, 9, tzinfo=UTC) for year in (1999, 2023, 2024)]
    assert inside(times("in October", NOW), *moments) == [1.0, 1.0, 1.0]
    assert inside(times("in October", NOW), datetime(2023, 6, 1, tzinfo=UTC)) == [0.0]


def test_a_season_over_new_year_is_whole() -> None:
    january = datetime(2023, 1, 20, tzinfo=UTC)
    assert inside(times("during the winter", NOW), january) == [1.0]
    assert days("from November 20 to January 5") == [
        "2022-01-01..2022-01-05",
        "2022-11-20..2023-01-05",
        "2023-11-20..2024-01-05",
        "2024-11-20..2024-12-31",
    ]


def test_the_29th_of_february_is_only_in_leap_years() -> None:
    assert days("on February 29") == ["2024-02-29..2024-02-29"]


def test_several_times_count_each() -> None:
    assert days("on March 4th, 7th, and 11th, 2023") == [
        "2023-03-04..2023-03-04",
        "2023-03-07..2023-03-07",
        "2023-03-11..2023-03-11",
    ]
    assert days("told in May 2022 and done in July 2023") == [
        "2022-05-01..2022-05-31",
        "2023-07-01..2023-07-31",
    ]
    assert days("05/07/2023") == ["2023-05-07..2023-05-07", "2023-07-05..2023-07-05"]


def test_what_was_told_a_little_beside_a_time_counts_less_and_later_counts_longer() -> None:
    day = datetime(2023, 5, 7, tzinfo=UTC)
    near = [day + timedelta(days=days) for days in (-4, -1, 0, 2, 5, 60)]
    far_before, before, on_it, after, later, far_after = inside(times("on 2023-05-07", NOW), *near)
    assert far_before == far_after == 0.0
    assert 0 < before < on_it == 1.0 > after > later > 0


def test_a_mere_weekday_is_weak() -> None:
    monday = datetime(2023, 11, 13, 9, tzinfo=UTC)
    assert inside(times("on Monday", NOW), monday) == [0.5]
    assert inside(times("last Monday", NOW), monday) == [1.0]


def test_now_is_reckoned_in_utc() -> None:
    here = datetime(2023, 11, 15, 23, tzinfo=timezone(timedelta(hours=-5)))
    assert days("today", here) == ["2023-11-16..2023-11-16"]
    assert days("today", datetime(2023, 11, 16, 1)) == ["2023-11-16..2023-11-16"]


CUT = {
    "In October, what did I read?": "what did I read?",
    "What did I say on the evening of June 10th?": "What did I say?",
    "What did I do on May 7th, 2023 in Rome?": "What did I do in Rome?",
    "What, in mid-January, was bought?": "What, was bought?",
    "During the month of January I ran.": "I ran.",
    "In April and May, who called?": "who called?",
    "After the reunion (October 6th), who left?": "After the reunion, who left?",
    "What did June say in July": "What did June say",
    "in March": "",
    # Memories tell of it in these words as well.
    "What did we see last summer?": "What did we see last summer?",
    "Who came two weeks ago, on Halloween?": "Who came two weeks ago, on Halloween?",
}


@pytest.mark.parametrize(("text", "expected"), CUT.items())
def test_dates_are_cut_out_of_a_question_and_what_memories_repeat_is_not(
    text: str, expected: str
) -> None:
    assert times(text, NOW).without(text) == expected


def test_positions_hold_where_lower_letters_are_longer() -> None:
    text = "İİİ İstanbul in May 2023?"
    assert times(text, NOW).without(text) == "İİİ İstanbul?"


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    assert times("x " * 1000 + "in May 2023", NOW) == Times()


WORDS = st.sampled_from(
    [
        "may",
        "May",
        "March",
        "on",
        "the",
        "of",
        "in",
        "last",
        "next",
        "week",
        "weeks",
        "7",
        "7th",
        "2023",
        "2023-05-07",
        "ago",
        "a",
        "few",
        ",",
        ".",
        "-",
        "'s",
        "to",
        "and",
        "between",
        "Friday",
        "spring",
        "early",
        "end",
        "Christmas",
        "new",
        "year",
        "eve",
        "Q3",
        "before",
        "after",
        "since",
        "9999",
        "0",
        "３",
        "月",
        "5月",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join)), st.datetimes())
def test_any_text_at_any_time_can_be_read(text: str, now: datetime) -> None:
    found = times(text, now)
    ranges = found.ranges(FIRST, LAST)
    assert ranges == sorted(ranges)
    assert all(start < end for start, end in ranges)
    assert len(found.without(text)) <= len(text)
    moments = np.array([-(2**61), 0, 1_700_000_000_000_000, 2**61], np.int64)
    values = found.inside(moments)
    assert values.dtype == np.float32
    assert ((values >= 0) & (values <= 1)).all()


def test_the_ends_of_all_time_are_no_error() -> None:
    ends = datetime.min.replace(tzinfo=timezone(timedelta(hours=5))), datetime.max
    assert all(times("tomorrow or last week in May", end).spans for end in ends)
    assert times("in October", NOW).ranges(datetime.min, datetime.max)
    assert times("since 2023-05-07", NOW).ranges(datetime.min, datetime.max)
