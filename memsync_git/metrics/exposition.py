"""Figures of an installation as text in Prometheus' exposition format, version 0.0.4.

Rule 1: pure: values in, text out. Equal values, equal text.
Rule 2: numbers, and the names people gave to machines, remotes and stores; nothing a memory says.
Rule 3: what is unknown has no sample: an absent time is not 1970.
Source: prometheus.io/docs/instrumenting/exposition_formats
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, get_args

from memsync_git.values import dataclass, field
from memsync_git.words import OUTCOMES_WORST_FIRST, OutcomeWord, StateWord

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["gauge", "counter", "histogram"]
Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]
"""Suffix of the name, labels, value."""

_ONE: Final[Labels] = {}


@dataclass(frozen=True, slots=True)
class RemoteFigures:
    """One remote. Times in milliseconds since 1970, None for never."""

    name: str
    outcome: OutcomeWord | None
    fetched_ms: int | None
    published_ms: int | None


@dataclass(frozen=True, slots=True)
class StoreFigures:
    """One synchronised file, and what it takes on the disk."""

    name: str
    entities: int
    relations: int
    observations: int
    database_bytes: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything there is to tell. Times in milliseconds since 1970, None for never.

    rounds: by outcome. bounds_ms, buckets, total_ms: the histogram of durations; the last bucket holds
    what took longer than any bound.
    """

    version: str
    replica: str
    state: StateWord
    rounds: Mapping[str, int]
    bounds_ms: Sequence[int]
    buckets: Sequence[int]
    total_ms: int
    up: int
    down: int
    conflicts: int
    holds: int
    clone_bytes: int
    daemon_is_up: bool
    beat_ms: int | None = None
    last_ms: int | None = None
    succeeded_ms: int | None = None
    failing_ms: int | None = None
    remotes: Sequence[RemoteFigures] = ()
    stores: Sequence[StoreFigures] = field(default=())


def render(figures: Figures) -> str:
    """The text, every family with its HELP and TYPE, its line end included."""
    return "\n".join(line for family in _families(figures) for line in _lines(*family)) + "\n"


def _lines(name: str, kind: Kind, meaning: str, samples: Sequence[Sample]) -> Iterator[str]:
    """A family, or nothing where it has no sample."""
    if samples:
        yield f"# HELP memsync_{name} {meaning}"
        yield f"# TYPE memsync_{name} {kind}"
    for suffix, labels, value in samples:
        yield f"memsync_{name}{suffix}{_labels(labels)} {_number(value)}"


Family = tuple[str, Kind, str, list[Sample]]


def _families(figures: Figures) -> Iterator[Family]:
    info = {"version": figures.version, "replica": figures.replica}
    yield "info", "gauge", "The installation; always 1.", [("", info, 1)]
    yield "state", "gauge", "1 for the state this machine is in.", _one_of("state", _STATES, figures.state)
    yield from _rounds(figures)
    yield from _remotes(figures.remotes)
    yield from _memory(figures)
    yield "daemon_up", "gauge", "Whether a daemon beats.", [("", _ONE, figures.daemon_is_up)]
    yield (
        "daemon_heartbeat_timestamp_seconds",
        "gauge",
        "When a daemon last beat.",
        _moment(_ONE, figures.beat_ms),
    )


_STATES: Final[tuple[str, ...]] = get_args(StateWord)


def _rounds(figures: Figures) -> Iterator[Family]:
    by_outcome: list[Sample] = [
        ("", {"outcome": outcome}, figures.rounds.get(outcome, 0)) for outcome in OUTCOMES_WORST_FIRST
    ]
    yield "rounds_total", "counter", "Rounds ever, by outcome.", by_outcome
    yield "round_duration_seconds", "histogram", "How long rounds took.", _histogram(figures)
    for name, meaning, ms in (
        ("last_round", "When the last round ended.", figures.last_ms),
        ("last_success", "When a round last reached everything.", figures.succeeded_ms),
        ("failing_since", "When the first round failed after the last success.", figures.failing_ms),
    ):
        yield f"{name}_timestamp_seconds", "gauge", meaning, _moment(_ONE, ms)


def _histogram(figures: Figures) -> list[Sample]:
    samples: list[Sample] = []
    total = 0
    for bound, count in zip([*figures.bounds_ms, None], figures.buckets, strict=True):
        total += count
        samples.append(("_bucket", {"le": "+Inf" if bound is None else _number(bound / 1000)}, total))
    return [*samples, ("_sum", _ONE, figures.total_ms / 1000), ("_count", _ONE, total)]


def _remotes(remotes: Sequence[RemoteFigures]) -> Iterator[Family]:
    outcomes: list[Sample] = []
    fetches: list[Sample] = []
    pushes: list[Sample] = []
    for each in remotes:
        whose = {"remote": each.name}
        fetches += _moment(whose, each.fetched_ms)
        pushes += _moment(whose, each.published_ms)
        if each.outcome is not None:
            outcomes += [
                ("", {**whose, "outcome": word}, word == each.outcome) for word in OUTCOMES_WORST_FIRST
            ]
    yield "remote_outcome", "gauge", "1 for how it last went with a remote.", outcomes
    yield "remote_last_fetch_timestamp_seconds", "gauge", "When a remote was last read.", fetches
    yield "remote_last_push_timestamp_seconds", "gauge", "When a remote last took something.", pushes


def _memory(figures: Figures) -> Iterator[Family]:
    ways: list[Sample] = [("", {"direction": "up"}, figures.up), ("", {"direction": "down"}, figures.down)]
    yield "pending_items", "gauge", "Items that wait for the remote (up) or for the file (down).", ways
    yield "conflicts", "gauge", "Registers with several values.", [("", _ONE, figures.conflicts)]
    yield "holds", "gauge", "Large deletions that wait for a person.", [("", _ONE, figures.holds)]
    for name, counts in (
        ("entities", [each.entities for each in figures.stores]),
        ("relations", [each.relations for each in figures.stores]),
        ("observations", [each.observations for each in figures.stores]),
    ):
        yield name, "gauge", f"{name.capitalize()} in the memory file.", _per_store(figures, counts)
    sizes = _per_store(figures, [each.database_bytes for each in figures.stores])
    yield "store_bytes", "gauge", "Size of the replica store.", sizes
    yield "clone_bytes", "gauge", "Size of the clone.", [("", _ONE, figures.clone_bytes)]


def _per_store(figures: Figures, values: Sequence[float]) -> list[Sample]:
    return [("", {"store": each.name}, value) for each, value in zip(figures.stores, values, strict=True)]


def _one_of(label: str, words: Sequence[str], actual: str) -> list[Sample]:
    return [("", {label: word}, word == actual) for word in words]


def _moment(labels: Labels, ms: int | None) -> list[Sample]:
    return [] if ms is None else [("", labels, ms / 1000)]


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """The shortest text that reads as the same number."""
    return str(int(value)) if value == int(value) else repr(float(value))
