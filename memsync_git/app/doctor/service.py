"""The check of what runs syncs by itself: installed, current, alive, and there after a logout.

Rule 1: a machine without a service works: somebody syncs by hand. A service that reaches no hub does not.
Rule 2: a service has less around it than a terminal: no ssh agent, no variables of a profile. What it reaches
is tried with just what it has.
"""

from __future__ import annotations

from memsync_git.app.doctor.case import Broken, Case
from memsync_git.app.doctor.finding import Finding, Mend, fail, ok, warn
from memsync_git.app.serving import daemon_part, looked_at, program, serve
from memsync_git.app.standing import Judgement, judged
from memsync_git.errors import MemsyncError
from memsync_git.ports import Installed, Unserved
from memsync_git.remotes.trying import reached_with
from memsync_git.remotes.url import RemoteUrl, validate
from memsync_git.services.surroundings import environment_of

AGENTLESS = "give this hub a key of its own without a passphrase: IdentityFile in ~/.ssh/config"
HELPERLESS = (
    "let git keep the password where every program finds it: git config --global credential.helper store"
)


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


def reaches(case: Case) -> Finding:
    """Whether a service reaches the remotes that a terminal reaches."""
    reached = {name for name, _ in case.fetched}
    urls = [(each, validate(each.url)) for each in case.rooms.configuration.remotes if each.name in reached]
    distant = [(each, url) for each, url in urls if not url.is_local]
    standing = looked_at(program(case.rooms, case.executable))
    names = [each.name for each in standing if isinstance(each.installed, Installed)]
    if not names or not distant:
        return ok("no service to try it with" if distant else "no remote that asks who comes")
    for name in names:
        environment = environment_of(name)
        for settings, url in distant:
            reason = reached_with(url, environment, deadline_s=settings.timeout_s)
            if reason:
                told = f"{settings.name} answers in this terminal, but not the service {name}: {reason}"
                return fail(told, _way_in(url))
    return ok(f"reached from {', '.join(names)} as well")


def _way_in(url: RemoteUrl) -> str:
    return AGENTLESS if url.kind == "ssh" else HELPERLESS
