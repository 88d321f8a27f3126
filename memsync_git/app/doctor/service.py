"""The check of what runs syncs by itself: installed, current, alive, and there after a logout.

Rule 1: it never fails. A machine without a service works; somebody syncs by hand.
"""

from __future__ import annotations

from memsync_git.app.doctor.case import Broken, Case
from memsync_git.app.doctor.finding import Finding, Mend, ok, warn
from memsync_git.app.serving import daemon_part, looked_at, program, serve
from memsync_git.app.standing import Judgement, judged
from memsync_git.errors import MemsyncError
from memsync_git.ports import Unserved


def service(case: Case) -> Finding:
    """What there is to know about services, the gravest first."""
    is_beating = not isinstance(case.identity, Broken) and daemon_part(case.rooms)["running"]
    judgement = judged(looked_at(program(case.rooms, case.executable)), is_beating=is_beating)
    if judgement.verdict == "ok":
        return ok(judgement.sentence)
    return warn(judgement.sentence, judgement.cure, mend=_install(case, judgement))


def _install(case: Case, judgement: Judgement) -> Mend | None:
    """Only a program whose place is known can be called by a service."""
    if not judgement.install or not case.executable:
        return None

    def install() -> str:
        served = serve(program(case.rooms, case.executable), judgement.kind)
        if isinstance(served, Unserved):
            raise MemsyncError(served.reason, hint=served.hint)
        return f"{served.service.name} runs {served.installed.what}"

    return install
