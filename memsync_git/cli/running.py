"""Running one command line, and every way it can end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Sequence

from memsync_git.cli import exits, failures, plainly
from memsync_git.cli.printing import say, silence_stdout
from memsync_git.errors import MemsyncError


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code. Never raises."""
    try:
        try:
            return _answered(arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        silence_stdout()  # it had enough (`| head`), and nothing failed
        return exits.DONE
    except KeyboardInterrupt:
        return exits.INTERRUPTED
    except MemsyncError as error:
        say(failures.text_of(error), sys.stderr)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  the one place where a bug becomes exit code 3 and a report
        return _reported(error, arguments)


def _answered(arguments: Sequence[str]) -> int:
    """The exit code of a command line, read by click unless it is a plain one."""
    code = plainly.answered(arguments)
    if code is None:
        from memsync_git.cli import program

        code = program.answered(arguments)
    return code


def _reported(error: Exception, arguments: Sequence[str]) -> int:
    from memsync_git.app.reports import write_report
    from memsync_git.config.places import Places

    report = None
    with contextlib.suppress(MemsyncError):
        report = write_report(error, Places.of().reports, arguments)
    say(failures.text_of_bug(error, report), sys.stderr)
    return exits.BUG
