"""Laws of the metrics: every line is of the exposition format, and says what the figures say."""

from __future__ import annotations

import re
from collections import Counter
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from memsync_git.metrics.exposition import Figures, RemoteFigures, StoreFigures, render
from memsync_git.words import OUTCOMES_WORST_FIRST, StateWord

NAME = r"memsync_[a-z_]+"
HELP = re.compile(rf"# HELP (?P<name>{NAME}) \S.*\.")
TYPE = re.compile(rf"# TYPE (?P<name>{NAME}) (?P<kind>gauge|counter|histogram)")
LABEL = r'[a-z]+="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(
    rf"(?P<name>{NAME})(?:\{{(?P<labels>{LABEL}(?:,{LABEL})*)\}})? (?P<value>-?\d+(?:\.\d+)?(?:e[+-]\d+)?)"
)

Samples = dict[tuple[str, str], float]

TIMES = st.none() | st.integers(0, 4 * 10**12)
COUNTS = st.integers(0, 10**12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
REMOTES = st.builds(RemoteFigures, TEXTS, st.none() | st.sampled_from(OUTCOMES_WORST_FIRST), TIMES, TIMES)
FIGURES = st.builds(
    Figures,
    version=TEXTS,
    replica=TEXTS,
    state=st.sampled_from(get_args(StateWord)),
    rounds=st.dictionaries(st.sampled_from(OUTCOMES_WORST_FIRST), COUNTS),
    bounds_ms=st.just((10, 100, 2_500)),
    buckets=st.tuples(COUNTS, COUNTS, COUNTS, COUNTS),
    total_ms=COUNTS,
    up=COUNTS,
    down=COUNTS,
    conflicts=COUNTS,
    holds=COUNTS,
    clone_bytes=COUNTS,
    daemon_is_up=st.booleans(),
    beat_ms=TIMES,
    last_ms=TIMES,
    succeeded_ms=TIMES,
    failing_ms=TIMES,
    remotes=st.lists(REMOTES, max_size=3, unique_by=lambda each: each.name),
    stores=st.lists(
        st.builds(StoreFigures, TEXTS, COUNTS, COUNTS, COUNTS, COUNTS),
        max_size=3,
        unique_by=lambda each: each.name,
    ),
)  # fmt: skip


def parsed(text: str) -> Samples:
    """Every sample by name and labels; fails where the text format, version 0.0.4, is not kept."""
    assert text.endswith("\n")
    lines = text.removesuffix("\n").split("\n")
    samples: Samples = {}
    seen: list[str] = []
    family, kind = "", ""
    for line in lines:
        if line.startswith("# HELP"):
            found = HELP.fullmatch(line)
            assert found, line
            family = found["name"]
            seen.append(family)
        elif line.startswith("# TYPE"):
            found = TYPE.fullmatch(line)
            assert found, line
            assert found["name"] == family
            kind = found["kind"]
        else:
            found = SAMPLE.fullmatch(line)
            assert found, line
            endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            assert found["name"] in {family + ending for ending in endings}
            key = (found["name"], found["labels"] or "")
            assert key not in samples
            samples[key] = float(found["value"])
    assert max(Counter(seen).values()) == 1
    return samples


@given(FIGURES)
def test_every_line_is_of_the_format_and_no_family_or_sample_stands_twice(figures: Figures) -> None:
    assert parsed(render(figures))


@given(FIGURES)
def test_equal_figures_are_equal_text(figures: Figures) -> None:
    assert render(figures) == render(figures)


@given(FIGURES)
def test_exactly_one_state_is_the_one(figures: Figures) -> None:
    states = {
        labels: value for (name, labels), value in parsed(render(figures)).items() if name == "memsync_state"
    }
    assert sum(states.values()) == 1
    assert len(states) == len(get_args(StateWord))
    assert states[f'state="{figures.state}"'] == 1


@given(FIGURES)
def test_the_histogram_is_cumulative_and_ends_with_its_count(figures: Figures) -> None:
    samples = parsed(render(figures))
    bounds = ["0.01", "0.1", "2.5", "+Inf"]
    counts = [samples["memsync_round_duration_seconds_bucket", f'le="{bound}"'] for bound in bounds]
    assert counts == sorted(counts)
    assert counts[-1] == samples["memsync_round_duration_seconds_count", ""] == sum(figures.buckets)
    assert samples["memsync_round_duration_seconds_sum", ""] == figures.total_ms / 1000


@given(FIGURES)
def test_a_time_is_there_in_seconds_if_it_is_known_and_absent_if_not(figures: Figures) -> None:
    samples = parsed(render(figures))
    for name, ms in (
        ("last_success", figures.succeeded_ms),
        ("last_round", figures.last_ms),
        ("failing_since", figures.failing_ms),
        ("daemon_heartbeat", figures.beat_ms),
    ):
        key = (f"memsync_{name}_timestamp_seconds", "")
        assert samples.get(key) == (None if ms is None else ms / 1000)


@given(FIGURES)
def test_rounds_are_counted_by_every_outcome_there_is(figures: Figures) -> None:
    samples = parsed(render(figures))
    for outcome in OUTCOMES_WORST_FIRST:
        assert samples["memsync_rounds_total", f'outcome="{outcome}"'] == figures.rounds.get(outcome, 0)


@given(FIGURES)
def test_each_store_and_each_remote_has_its_own_samples(figures: Figures) -> None:
    names = [name for name, _ in parsed(render(figures))]
    assert names.count("memsync_observations") == names.count("memsync_store_bytes") == len(figures.stores)
    spoken_to = [each for each in figures.remotes if each.outcome is not None]
    assert names.count("memsync_remote_outcome") == len(spoken_to) * len(OUTCOMES_WORST_FIRST)
