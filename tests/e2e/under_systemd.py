"""What is done beside a real user's systemd; `test_systemd.py` runs this in namespaces of its own.

    python -m tests.e2e.under_systemd FOLDER    one JSON object on the last line: what each step answered

`memsync-git` here is a small program that speaks sd_notify as the daemon does, under a path that needs
quoting.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from memsync_git.ports import Running, Stopped
from memsync_git.services.systemd import SystemdService
from memsync_git.services.tool import happens

SYSTEMD = "/lib/systemd/systemd"
ODD = "it has 100% $x ${HOME} é"
HOME = "/srv/my \"m\\ 50% $y it's"

DAEMON = f"""#!{sys.executable}
import os, signal, socket, sys
seen = open({{seen!r}}, "a", buffering=1)
if os.path.exists({{seen!r}} + ".ends"):
    sys.exit(3)
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\\0", 1))
signal.signal(signal.SIGHUP, lambda *_: seen.write("hup\\n"))
signal.signal(signal.SIGTERM, lambda *_: (seen.write("term\\n"), sys.exit(0)))
seen.write(" ".join(sys.argv[1:]) + " " + os.environ["MEMSYNC_HOME"] + "\\n")
manager.send(b"READY=1")
while True:
    signal.pause()
"""


def main(folder: Path) -> dict[str, object]:
    """Every step, and what it answered."""
    runtime = Path(f"/run/user/{os.getuid()}")
    manager = _manager(folder, runtime)
    try:
        if not happens(_answers, within_s=20):
            return {"manager": "does not answer"}
        return {"manager": "answers", **_steps(folder)}
    finally:
        manager.terminate()
        manager.wait()
        for scope in Path("/sys/fs/cgroup").glob("*/init.scope"):
            with suppress(OSError):  # somebody else lives in it
                scope.rmdir()


def _manager(folder: Path, runtime: Path) -> subprocess.Popen[bytes]:
    """A manager of this account with a bus of its own; nothing of the machine's /run is seen or changed."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    Path("/run/systemd/system").mkdir(parents=True)  # by this systemd knows that it runs a machine
    runtime.mkdir(parents=True, mode=0o700)
    os.environ |= {"HOME": str(folder), "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus"}
    os.environ.pop("XDG_RUNTIME_DIR", None)
    subprocess.run(["dbus-daemon", "--session", f"--address=unix:path={runtime}/bus", "--fork"], check=True)
    return subprocess.Popen(
        [SYSTEMD, "--user", "--log-target=null"], env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)}
    )


def _answers() -> bool:
    environment = {**os.environ, "XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}"}
    asked = ["systemctl", "--user", "show", "--property=Version"]
    return subprocess.run(asked, env=environment, capture_output=True, check=False).returncode == 0


def _steps(folder: Path) -> dict[str, object]:
    program, seen = folder / ODD / "memsync-git", folder / "seen"
    program.parent.mkdir()
    program.write_text(DAEMON.format(seen=str(seen)))
    program.chmod(0o755)
    service = SystemdService(str(program), folder / ".config" / "systemd" / "user", HOME)
    steps: list[tuple[str, Callable[[], object]]] = [
        ("before", service.status),
        ("install", service.install),
        ("again", service.install),
        ("status", service.status),
        ("running", service.running),
        ("reload", lambda: _reloaded(seen)),
        ("restart", service.restart),
        ("stop", service.stop),
        ("stopped", service.running),
        ("start", service.start),
        ("failing", lambda: _failing(service, seen)),
        ("mended", lambda: _mended(service, seen)),
        ("remove", service.remove),
        ("gone", service.status),
        ("left", lambda: [str(path) for path in (folder / ".config").rglob("memsync*")]),
        ("seen", lambda: seen.read_text().splitlines()),
    ]
    return {name: _told(step()) for name, step in steps}


def _reloaded(seen: Path) -> bool:
    environment = {**os.environ, "XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}"}
    subprocess.run(["systemctl", "--user", "reload", "memsync-git"], env=environment, check=True)
    return happens(lambda: "hup" in seen.read_text(), within_s=10)


def _failing(service: SystemdService, seen: Path) -> object:
    seen.with_name("seen.ends").touch()
    return service.restart()


def _mended(service: SystemdService, seen: Path) -> object:
    seen.with_name("seen.ends").unlink()
    return service.start()


def _told(answer: object) -> object:
    match answer:
        case Running(changed, pid, since_s):
            return ["Running", changed, bool(pid), since_s is not None and 0 <= since_s < 600]
        case Stopped(changed, reason):
            return ["Stopped", changed, reason]
        case bool() | list():
            return answer
        case _:
            return repr(answer)


if __name__ == "__main__":
    began_s = time.monotonic()
    found = main(Path(sys.argv[1]))
    print(json.dumps({**found, "took_s": round(time.monotonic() - began_s, 1)}))
