"""What the app answers: the documents a command prints, as JSON or as text.

Rule 1: text and JSON come from the same document, so a document holds all that either needs.
Rule 2: changes are additive; what a key means never changes while `schema_version` stays.
Rule 3: times are `2026-11-20T11:30:00Z` in UTC, durations in `ms`; None stands for "never" or "unknown".
Rule 4: texts from a memory stand here as they are. Whoever prints them makes them harmless.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

from memsync_git.words import OutcomeWord, StateWord, Verdict, Watching

# --- parts that several documents share --------------------------------------------------------------


class ReplicaPart(TypedDict):
    """This machine."""

    id: str
    host: str


class NoticePart(TypedDict):
    """Something a person should know: a sentence, what was not harmed, the next command (or "")."""

    message: str
    unharmed: str
    hint: str


class ItemPart(TypedDict):
    """One thing a memory says: `kind` is entity, type, observation, relation, field or record.

    `name` is the entity, `from → to` of a relation, or the id of a generic record; `value` the type, the
    observation, the relation's type or the field's JSON text.
    """

    kind: str
    name: str
    value: str
    field: NotRequired[str]


class ChangePart(ItemPart):
    """An item, and what happens or would happen to it. `was` is the value before, where there was one.

    keep: it was said again as it stood, and a conflict about it ended; `beat`: the values that gave way.
    """

    change: Literal["add", "remove", "change", "keep"]
    was: NotRequired[str]
    beat: NotRequired[list[str]]
    host: NotRequired[str]


class CountPart(TypedDict):
    """Items added, removed and changed."""

    added: int
    removed: int
    changed: int


class HostPart(TypedDict):
    """A machine of the fleet, this one included."""

    id: str
    host: str
    rev: int
    last_change: str | None
    retired: bool


# --- status --------------------------------------------------------------------------------------------


class FilePart(TypedDict):
    """A memory file: `other` counts generic records. `store` is the name of its store.

    left_out: how many names are not shared by this machine, if any.
    """

    store: str
    path: str
    format: str
    entities: int
    relations: int
    observations: int
    other: int
    left_out: NotRequired[int]


class RemotePart(TypedDict):
    """A remote: `url` is redacted, `outcome` that of its last round (None: never spoken to).

    `pending`: items it has not accepted yet.
    """

    name: str
    kind: str
    url: str
    branch: str
    head: str | None
    last_fetch: str | None
    last_push: str | None
    outcome: OutcomeWord | None
    pending: NotRequired[int]


class PendingPart(TypedDict):
    """up: items not yet accepted by the remote. down: items joined but not yet in the file."""

    up: int
    down: int


class DaemonPart(TypedDict):
    """`watching`: how it learns of changes to the file, None where none runs."""

    running: bool
    pid: int | None
    heartbeat: str | None
    watching: Watching | None


class PausePart(TypedDict):
    """Nothing syncs by itself, `until` then (None: until `resume`)."""

    until: str | None


class LastSyncPart(TypedDict):
    at: str
    outcome: OutcomeWord
    ms: int


class SilencePart(TypedDict):
    """No sync has succeeded since, and one should have. `waiting`: changes made here wait for it."""

    since: str
    waiting: bool


class StatusDocument(TypedDict):
    """One screen. `store`, `file` and `remote` are the first of their lists; `outcome` is the worst.

    `staged`: the first names recorded and not accepted by every remote; `waiting`: those to be applied.
    `last_success`: the last round that reached everything. `failing_since`: the first failure after it,
    None while it goes well. `silence`: sync has stopped without anybody saying so.
    """

    schema_version: int
    state: StateWord
    store: str
    replica: ReplicaPart
    stores: list[FilePart]
    remotes: list[RemotePart]
    file: FilePart
    remote: RemotePart | None
    pending: PendingPart
    staged: NotRequired[list[str]]
    waiting: NotRequired[list[str]]
    conflicts: int
    holds: int
    hosts: list[HostPart]
    daemon: DaemonPart
    pause: PausePart | None
    last_sync: LastSyncPart | None
    last_success: str | None
    failing_since: str | None
    silence: SilencePart | None
    next_sync: str | None
    outcome: OutcomeWord | None
    notices: list[NoticePart]


class PauseDocument(TypedDict):
    """After `pause` and `resume`: whether syncs by themselves are paused now, and what there is to obey."""

    schema_version: int
    paused: bool
    until: str | None
    daemon: DaemonPart


# --- sync, import, init, preview -------------------------------------------------------------------------


class RemoteResultPart(TypedDict):
    """How one remote answered in a round; `reason` is a sentence, empty where all went well."""

    name: str
    outcome: OutcomeWord
    reason: str


class StoreResultPart(TypedDict):
    """How a sync went in one of several stores. `txn` is what `undo --store` takes."""

    store: str
    outcome: OutcomeWord
    local: CountPart
    remote: CountPart
    txn: str | None


class SyncDocument(TypedDict):
    """One `sync`. `local` came from the file of this machine, `remote` from the others.

    `stores`: each of several; then the other members are their sum, or the worst of them, and `txn` is that
    of the first.

    `txn` is what `undo` takes, None where nothing was noted. With `dry_run`, `would` lists the exact
    changes of both directions and nothing was written.
    """

    schema_version: int
    outcome: OutcomeWord
    local: CountPart
    remote: CountPart
    conflicts: int
    holds: int
    published: bool
    wrote_file: bool
    rounds: int
    ms: int
    txn: str | None
    dry_run: bool
    remotes: list[RemoteResultPart]
    would: NotRequired[WouldPart]
    stores: NotRequired[list[StoreResultPart]]
    notices: list[NoticePart]


StagedAction = Literal["stash", "pull", "apply", "push"]


class StockPart(TypedDict):
    """Changes that wait for a next step: how many items, the first of them, and how many are not listed."""

    count: int
    changes: list[ChangePart]
    cut: int


class StagedDocument(TypedDict):
    """One part of a round. `local`, `remote`, `txn` and `remotes` as in a sync.

    applied: what it changed in the memory file. staged: recorded, and not accepted by every remote yet.
    waiting: joined, and not in the memory file yet.
    """

    schema_version: int
    action: StagedAction
    outcome: OutcomeWord
    local: CountPart
    remote: CountPart
    applied: list[ChangePart]
    staged: StockPart
    waiting: StockPart
    conflicts: int
    holds: int
    published: bool
    wrote_file: bool
    ms: int
    txn: str | None
    remotes: list[RemoteResultPart]
    notices: list[NoticePart]


class GroupPart(TypedDict):
    """What waits to be applied about one name."""

    name: str
    changes: list[ChangePart]


class WaitingDocument(TypedDict):
    """What waits to be applied, by name."""

    schema_version: int
    groups: list[GroupPart]


class WouldPart(TypedDict):
    """What a real sync would do: to the remote (`up`) and to the memory file (`down`)."""

    up: list[ChangePart]
    down: list[ChangePart]


class PreviewDocument(TypedDict):
    """What a command would change, shown before it asks. `cut`: how many changes are not listed.

    The three counts are of everything; `changes` lists the first of them.
    """

    schema_version: int
    action: str
    machines: list[HostPart]
    would_add: int
    would_remove: int
    would_change: int
    changes: list[ChangePart]
    cut: int
    notices: list[NoticePart]


class ImportDocument(TypedDict):
    """An import: what was new, what was there already, what could not be read."""

    schema_version: int
    source: str
    format: str
    imported: CountPart
    known: int
    unreadable: int
    txn: str | None
    notices: list[NoticePart]


class ExportDocument(TypedDict):
    """An export: what stands in it, and how many items had no room. `path` None: it was only printed."""

    schema_version: int
    format: str
    path: str | None
    bytes: int
    entities: int
    relations: int
    observations: int
    other: int
    left_out: int
    notices: list[NoticePart]


class InitDocument(TypedDict):
    """A machine that has joined. `hub`: the remote is the embedded one of this machine."""

    schema_version: int
    replica: ReplicaPart
    file: FilePart
    remote: RemotePart
    hub: bool
    created: list[str]
    service: str | None
    sync: SyncDocument | None
    notices: list[NoticePart]


# --- remotes -----------------------------------------------------------------------------------------

StoresAction = Literal["list", "add", "remove"]


class StorePart(TypedDict):
    """A store of this machine. `adopted`: it is synchronised. `entities`: None where it is not.

    `pending`: items that wait to be published, or to be written into the file.
    """

    store: str
    path: str
    format: str
    include: list[str]
    exclude: list[str]
    adopted: bool
    entities: int | None
    pending: PendingPart
    outcome: OutcomeWord | None


class StoresDocument(TypedDict):
    """The stores after `action`. `sync`: the first rounds of those that were added, if any were."""

    schema_version: int
    action: StoresAction
    stores: list[StorePart]
    sync: SyncDocument | None
    notices: list[NoticePart]


RemoteAction = Literal["list", "add", "set", "remove"]


class RemotesDocument(TypedDict):
    """The remotes after `action`, each with its own outcome. `sync`: the round that was run, if one was."""

    schema_version: int
    action: RemoteAction
    remotes: list[RemotePart]
    sync: SyncDocument | None
    notices: list[NoticePart]


class RemoteCheckPart(TypedDict):
    """Whether a remote answers, and would take a push: "ok", "offline", "refused"; None: not tried."""

    name: str
    url: str
    fetch: str | None
    push: str | None
    reason: str
    head: str | None


class RemoteCheckDocument(TypedDict):
    schema_version: int
    remotes: list[RemoteCheckPart]


# --- logs ------------------------------------------------------------------------------------------------


class LogPart(TypedDict):
    """One line of the log: `time` to the millisecond, `extras` whatever was noted besides."""

    time: str
    level: str
    logger: str
    message: str
    extras: dict[str, object]


class LogsDocument(TypedDict):
    """The last entries of the log at `path`, oldest first."""

    schema_version: int
    path: str
    entries: list[LogPart]


# --- conflicts, holds, hosts ------------------------------------------------------------------------------


class ValuePart(TypedDict):
    """One of several values: `winner` is the one the file shows, `mine` this machine wrote."""

    value: str | None
    id: str
    host: str
    at: str | None
    mine: bool
    winner: bool


class ConflictPart(TypedDict):
    """`written`: a register with concurrent values. `deleted`: deleted by one machine, edited by another;
    `values` are then what was added meanwhile. `field` is "type" or the name of a field, "" for `deleted`.
    """

    store: str
    kind: Literal["written", "deleted"]
    name: str
    field: str
    values: list[ValuePart]


class ConflictsDocument(TypedDict):
    schema_version: int
    conflicts: list[ConflictPart]


class ResolvedDocument(TypedDict):
    """What `resolve` wrote; `left` conflicts remain."""

    schema_version: int
    resolved: list[ChangePart]
    left: int
    txn: str | None
    notices: list[NoticePart]


class HoldPart(TypedDict):
    """Deletions a guard keeps back. `source` is "file" or the host they came from.

    `items` lists the first of them, `cut` says how many more there are.
    """

    id: str
    store: str
    source: str
    at: str
    reason: str
    entities: int
    relations: int
    observations: int
    items: list[ItemPart]
    cut: int


class HoldsDocument(TypedDict):
    """`decided` is filled by accept and reject; `holds` are those that still wait."""

    schema_version: int
    holds: list[HoldPart]
    decided: list[str]
    notices: list[NoticePart]


class HostsDocument(TypedDict):
    schema_version: int
    replica: ReplicaPart
    hosts: list[HostPart]
    notices: NotRequired[list[NoticePart]]


# --- show ---------------------------------------------------------------------------------------------


class SaidPart(TypedDict):
    """One thing said, by whom and when; `id` is the dot, `<rid>:<n>`."""

    value: str
    host: str
    at: str | None
    id: str


class RelationPart(TypedDict):
    source: str
    target: str
    type: str


class MomentPart(ChangePart):
    """A change of an entity's past."""

    at: str | None
    txn: str


class ShownPart(TypedDict):
    """One entity, or generic record (then `type` is None and there are only fields)."""

    store: str
    name: str
    type: str | None
    observations: list[SaidPart]
    relations: list[RelationPart]
    fields: dict[str, str]
    history: NotRequired[list[MomentPart]]


class ShowDocument(TypedDict):
    """What the memory says about a name, now or `at` a moment."""

    schema_version: int
    name: str
    at: str | None
    found: list[ShownPart]


# --- history, undo, restore -----------------------------------------------------------------------------


class RevisionPart(TypedDict):
    """What one machine changed at once. `txn` is what `undo` takes; `first`: the first of several revisions
    that were published together. `cause` is "" for other machines. `cut`: how many changes are not listed.
    """

    txn: str
    first: int
    id: str
    host: str
    mine: bool
    at: str | None
    cause: str
    changes: list[ChangePart]
    cut: int


class LogDocument(TypedDict):
    """Changes, newest first. `whole`: there are none before them, as far as history was read."""

    schema_version: int
    name: str | None
    revisions: list[RevisionPart]
    whole: bool
    notices: list[NoticePart]


class ActivityPart(TypedDict):
    """What one machine has changed, as far as history was read."""

    id: str
    host: str
    mine: bool
    revisions: int
    added: int
    removed: int
    changed: int
    first: str | None
    last: str | None


class LogStatsDocument(TypedDict):
    """`rounds`: all rounds this machine ever made, by outcome; `ms`: how long they took together."""

    schema_version: int
    machines: list[ActivityPart]
    rounds: dict[str, int]
    ms: int
    whole: bool
    notices: list[NoticePart]


class BlamePart(SaidPart):
    """One thing a memory says of a name, with its origin. `kind` and `field` as in `ItemPart`.

    others: further machines that said it at the same time. winner: of several values, the one that shows.
    doubtful: the clock of that machine was ahead of this one's.
    """

    kind: str
    name: str
    field: NotRequired[str]
    others: list[str]
    winner: bool
    doubtful: bool


class BlameDocument(TypedDict):
    schema_version: int
    name: str
    lines: list[BlamePart]


class AmendsDocument(TypedDict):
    """What `undo` or `restore` has changed; `undone` are the revisions it took back, `at` the moment it went
    back to. `txn` takes this back in turn, None where nothing was changed.
    """

    schema_version: int
    action: str
    undone: list[str]
    at: str | None
    changes: list[ChangePart]
    cut: int
    txn: str | None
    notices: list[NoticePart]


# --- service ------------------------------------------------------------------------------------------

ServiceAction = Literal["install", "uninstall", "start", "stop", "restart", "status"]
BeginsWord = Literal["boot", "login", "hand"]


class ServicePart(TypedDict):
    """One service of this machine: systemd, launchd, schtasks or cron.

    offered: this machine has it; `reason` and `hint` say why not, or how its daemon ended.
    what: the line or unit that stands in it; `current`: it is what would be installed now.
    running and pid: of the daemon it keeps, None where it keeps none or does not tell.
    begins: with the machine, when its owner logs in, or by hand.
    """

    name: str
    keeps_daemon: bool
    offered: bool
    installed: bool
    what: str | None
    current: bool | None
    running: bool | None
    pid: int | None
    begins: BeginsWord | None
    reason: str
    hint: str


class ServiceDocument(TypedDict):
    """How the services stand after `action`, which `changed` something or not.

    `daemon` is the daemon by its own signs of life, whoever started it. `sentence` is the first thing to
    know, `next` the command that mends it, empty where all is well.
    """

    schema_version: int
    action: ServiceAction
    changed: bool
    verdict: Verdict
    sentence: str
    next: str
    services: list[ServicePart]
    daemon: DaemonPart
    notices: list[NoticePart]


# --- test, doctor, config ------------------------------------------------------------------------------


class SelfTestRow(TypedDict):
    """One step of `--test`; `hint` is the next command if it did not pass, else empty.

    `store`: for steps that were tried in each of several stores; the name of a further one stands in `name`.
    """

    store: NotRequired[str]
    name: str
    verdict: Verdict
    detail: str
    ms: int
    hint: str


class SelfTestDocument(TypedDict):
    schema_version: int
    rows: list[SelfTestRow]
    preview: PreviewDocument | None


class DoctorRow(TypedDict):
    """One check: what was looked at, what was found, and the one command that cures it (or "").

    `curable` is True where `--fix` would cure it, `fixed` where it has just done so.
    """

    check: str
    verdict: Verdict
    evidence: str
    cure: str
    curable: bool
    fixed: bool


class DoctorDocument(TypedDict):
    """`bundle` is the path of the redacted report, None where none was asked for."""

    schema_version: int
    rows: list[DoctorRow]
    bundle: str | None


class VerifiedPart(TypedDict):
    """One thing that was compared: the file, the store, a remote, or a machine's fragment on a remote.

    `name` says which, empty for the file and the store; `digest` what it holds, empty where that is unknown.
    `store`: where it was found, if there are several.
    """

    store: NotRequired[str]
    what: Literal["file", "store", "remote", "fragment"]
    name: str
    digest: str
    verdict: Verdict
    evidence: str


class VerifyDocument(TypedDict):
    """`outcome` is "accepted" where everything is the same, else what kept it from being so."""

    schema_version: int
    outcome: OutcomeWord
    parts: list[VerifiedPart]


class ExplanationPart(TypedDict):
    """The value of one key and who set it: option, environment, file or default."""

    key: str
    value: object
    source: str
    where: str
    meaning: str


class ProblemPart(TypedDict):
    """One thing wrong with a configuration."""

    where: str
    key: str
    reason: str
    hint: str


class ConfigDocument(TypedDict):
    """`path` alone, or with the explained keys, or with the problems found."""

    schema_version: int
    path: str
    keys: NotRequired[list[ExplanationPart]]
    problems: NotRequired[list[ProblemPart]]


class GcPart(TypedDict):
    """A place that is kept small: the clone, a hub of ours on this disk, a store.

    loose, packs: objects and packs of a repository. free_bytes: of a store. after_bytes: what is left, None
    before it was done.
    """

    kind: Literal["clone", "hub", "store"]
    path: str
    loose: int
    packs: int
    bytes: int
    free_bytes: int
    would: Literal["nothing", "collect", "compact"]
    after_bytes: int | None


class GcDocument(TypedDict):
    """`done` is False for a preview; `gained_bytes` is None then."""

    schema_version: int
    done: bool
    places: list[GcPart]
    bytes: int
    gained_bytes: int | None
