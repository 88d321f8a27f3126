"""`memsync-git config`: the settings of this machine."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from memsync_git.cli.declaring import examples, json_option
from memsync_git.cli.exits import DONE, MISUSED
from memsync_git.cli.lazy import LazyGroup
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put, put_notices
from memsync_git.cli.terminal import Screen, safe
from memsync_git.config import Places, load, validate
from memsync_git.config.configuration import Explanation
from memsync_git.documents import ConfigDocument, ExplanationPart, ProblemPart
from memsync_git.errors import Misused
from memsync_git.words import SCHEMA_VERSION

SCHEDULE: Final = "sync.cron_interval_min"
"""The only setting that stands in what a service runs."""


@click.group(
    cls=LazyGroup,
    places={},
    epilog=examples("memsync-git config get sync.debounce_s", "memsync-git config set sync.debounce_s 2"),
)
def config() -> None:
    """Look at the settings and change them."""


@config.command(epilog=examples("memsync-git config path"))
@json_option
def path(as_json: bool) -> None:
    """Print where the configuration is."""
    put(_document(Places.of()), lambda document, _: safe(document["path"]), as_json=as_json)


@config.command(epilog=examples("memsync-git config get stores.default.file"))
@click.argument("key")
@json_option
def get(key: str, as_json: bool) -> None:
    """Print the value of KEY."""
    places = Places.of()
    explanation = load(places).explain(key)
    document = _document(places, keys=[_part(explanation)])
    put(document, lambda found, _: value_words(found["keys"][0]["value"]), as_json=as_json)


@config.command(
    "set",
    context_settings={"ignore_unknown_options": True},
    epilog=examples("memsync-git config set sync.cron_interval_min 30"),
)
@click.argument("key")
@click.argument("value")
def set_(key: str, value: str) -> None:
    """Set KEY to VALUE in the file; comments and everything else stay."""
    from memsync_git.config.writing import set_value

    places = Places.of()
    set_value(places.config, key, value)
    with suppress(Misused):  # the file may be wrong elsewhere; this key is right
        origin = load(places).explain(key).origin
        if origin.source == "environment":
            click.echo(f"{origin.where} is set and speaks over the file.", err=True)
        if key == SCHEDULE:
            put_notices(opened().renew_services())


@config.command("validate", epilog=examples("memsync-git config validate"))
@json_option
def validate_(as_json: bool) -> None:
    """Name everything that is wrong with the file; exit 2 if anything is."""
    places = Places.of()
    problems = [
        ProblemPart(where=each.where, key=each.key, reason=each.reason, hint=each.hint)
        for each in validate(places.config)
    ]
    put(_document(places, problems=problems), render_problems, as_json=as_json)
    leave(MISUSED if problems else DONE)


@config.command(epilog=examples("memsync-git config explain sync.debounce_s"))
@click.argument("key", required=False)
@json_option
def explain(key: str | None, as_json: bool) -> None:
    """Say what KEY is for, what it is, and who set it; without KEY, of all keys."""
    places = Places.of()
    configuration = load(places)
    keys = [key] if key is not None else configuration.all_keys()
    parts = [_part(configuration.explain(each)) for each in keys]
    put(_document(places, keys=parts), render_explained, as_json=as_json)


@config.command(epilog=examples("EDITOR=nano memsync-git config edit"))
def edit() -> None:
    """Open the file in $EDITOR; it is written only if it is right."""
    from memsync_git.config.reading import text_of
    from memsync_git.config.writing import HEADER, write_text

    places = Places.of()
    before = text_of(places.config)
    after = click.edit(before or HEADER, extension=".toml")
    if after is None or after == before:
        click.echo("Nothing was changed.", err=True)
        return
    try:
        write_text(places.config, after)
    except Misused as error:
        raise _kept(error, places.config, after) from error
    put_notices(opened().renew_services())


def _kept(error: Misused, file: Path, text: str) -> Misused:
    """The refusal of an edited text, which is kept beside the file: it was work."""
    kept = file.with_name(f"{file.name}.rejected")
    kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
    return Misused(error.message, unharmed=f"{error.unharmed}\nYour text is kept in {kept}", hint=error.hint)


def _document(
    places: Places, *, keys: list[ExplanationPart] | None = None, problems: list[ProblemPart] | None = None
) -> ConfigDocument:
    document = ConfigDocument(schema_version=SCHEMA_VERSION, path=str(places.config))
    if keys is not None:
        document["keys"] = keys
    if problems is not None:
        document["problems"] = problems
    return document


def _part(explanation: Explanation) -> ExplanationPart:
    origin = explanation.origin
    return ExplanationPart(
        key=explanation.key,
        value=explanation.value,
        source=origin.source,
        where=origin.where,
        meaning=explanation.meaning,
    )


def value_words(value: object) -> str:
    """A value as `config set` takes it back."""
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, tuple) and all(isinstance(member, str) for member in value):
        return safe(",".join(value))
    return json.dumps(int(value) if isinstance(value, float) and value.is_integer() else value)


def render_explained(document: ConfigDocument, screen: Screen) -> str:
    """Key, value, who set it and what it is for."""
    return "\n".join(
        f"{screen.paint(safe(part['key']), 'strong')} = {value_words(part['value'])}\n"
        f"  {part['meaning']}; set by {_setter(part)}"
        for part in document["keys"]
    )


def _setter(part: ExplanationPart) -> str:
    where = f" {safe(part['where'])}" if part["where"] else ""
    return {"option": "an option", "environment": "the variable", "file": "the file"}.get(
        part["source"], "nobody: this is the default"
    ) + where


def render_problems(document: ConfigDocument, screen: Screen) -> str:
    """Everything that is wrong, with a way out each."""
    if not document["problems"]:
        return f"{screen.mark('ok')} {safe(document['path'])} is right"
    lines = [f"{screen.mark('fail')} {safe(document['path'])}"]
    for problem in document["problems"]:
        lines.append(f"  {safe(problem['reason'])}")
        lines += [f"    Hint: {safe(problem['hint'])}"] if problem["hint"] else []
    return "\n".join(lines)
