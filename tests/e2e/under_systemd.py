"""What is done beside a real user's systemd; `test_systemd.py` runs this in namespaces of its own.

    python -m tests.e2e.under_systemd FOLDER program|daemon
        one JSON object on the last line: what each step answered

program: `memsync-git` is a small program that speaks sd_notify as the daemon does, under a path that needs
quoting. daemon: it is the real one, set up by `init` in an empty HOME.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from memsync_git.ports import Running, Stopped
from memsync_git.services.systemd import SystemdService
from memsync_git.services.tool import happens

SYSTEMD = "/lib/systemd/systemd"
ODD = "it has 100% $x ${HOME} é"
PATIENCE_S = 60.0
"""A machine that comes up at the same time is slow."""
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


def main(folder: Path, steps: Callable[[Path], dict[str, object]]) -> dict[str, object]:
    """Every step, and what it answered."""
    runtime = Path(f"/run/user/{os.getuid()}")
    manager = _manager(folder, runtime)
    try:
        if not happens(_answers, within_s=20):
            return {"manager": "does not answer"}
        return {"manager": "answers", **steps(folder)}
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


def _with_program(folder: Path) -> dict[str, object]:
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


def _with_daemon(folder: Path) -> dict[str, object]:
    memory = folder / ".cache" / "mcp-memory" / "memory.json"
    hub = folder / ".local" / "share" / "memsync-git" / "hub.git"
    answers: dict[str, object] = {"init": _run("init", "--yes").returncode, "began": _standing()}
    fresh = memory.with_name("memory.json.tmp")
    fresh.write_text('{"type":"entity","name":"Alice","entityType":"person","observations":["likes tea"]}')
    fresh.rename(memory)
    answers["published"] = happens(lambda: "Alice" in _log_of(hub), within_s=PATIENCE_S)
    killed = _pid()
    os.kill(killed, signal.SIGKILL)
    answers["again"] = happens(lambda: _pid() not in (0, killed), within_s=PATIENCE_S)
    answers["beats"] = happens(lambda: _beating() == _pid(), within_s=PATIENCE_S)
    answers["stop"] = [_run("service", "stop").returncode, *_standing()]
    answers["start"] = [_run("service", "start").returncode, *_standing()]
    answers["uninstall"] = [_run("service", "uninstall").returncode, _pid()]
    return answers


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.prefix) / "bin" / "memsync-git"), *words]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MEMSYNC_")}
    return subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def _standing() -> list[object]:
    """The verdict, whether systemd says it runs, and whether it says so itself."""
    told = _told_of_service()
    return [told["verdict"], told["services"][0]["running"], told["daemon"]["running"]]


def _beating() -> int:
    """Whose sign of life is the last one: for a minute it can be that of the daemon that was killed."""
    return int(_told_of_service()["daemon"]["pid"])


def _told_of_service() -> dict[str, Any]:
    told: dict[str, Any] = json.loads(_run("service", "status", "--json").stdout)
    return told


def _pid() -> int:
    environment = {**os.environ, "XDG_RUNTIME_DIR": f"/run/user/{os.getuid()}"}
    asked = ["systemctl", "--user", "show", "--property=MainPID", "--value", "memsync-git"]
    said = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout
    return int(said)


def _log_of(hub: Path) -> str:
    return subprocess.run(
        ["git", "-C", str(hub), "log", "--format=%s", "main"], capture_output=True, text=True, check=False
    ).stdout


WAYS = {"program": _with_program, "daemon": _with_daemon}

if __name__ == "__main__":
    began_s = time.monotonic()
    found = main(Path(sys.argv[1]), WAYS[sys.argv[2]])
    print(json.dumps({**found, "took_s": round(time.monotonic() - began_s, 1)}))
