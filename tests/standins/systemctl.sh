#!/bin/sh
# As a user's systemctl behaves with one unit. It reads units in the folder that the file `folder` names,
# by default ~/.config/systemd/user, and starts only what it has loaded: a daemon-reload is needed first.
state="$0.d"
echo "$*" >>"$state/calls"
units="$HOME/.config/systemd/user"
[ ! -e "$state/folder" ] || units=$(cat "$state/folder")
has() { [ -e "$state/$1" ]; }

[ "$1" = --user ] || { echo "only a user's manager is here" >&2; exit 1; }
shift
if has off; then
    echo "Failed to connect to bus: No medium found" >&2
    exit 1
fi
verb=$1
if has "refuses-$verb"; then
    echo "Failed to $verb unit: Access denied" >&2
    exit 1
fi

load() { # the text of the unit as of the last daemon-reload
    if [ -e "$units/memsync-git.service" ]; then
        cp "$units/memsync-git.service" "$state/loaded"
    else
        rm -f "$state/loaded"
    fi
}
run() { # a process of its own number for each start
    has loaded || { echo "Failed to $verb memsync-git.service: Unit not found." >&2; exit 5; }
    if has ends-at-once; then
        rm -f "$state/active"
        echo exit-code >"$state/failed"
        echo "Job for memsync-git.service failed because the control process exited with error code." >&2
        exit 1
    fi
    if has failed; then
        echo "Failed to start: Start request repeated too quickly." >&2
        exit 1
    fi
    pid=$(($(cat "$state/pid" 2>/dev/null || echo 100) + 1))
    echo "$pid" >"$state/pid"
    cp "$state/loaded" "$state/active"
}

case $verb in
daemon-reload) load ;;
enable)
    has loaded || { echo "Failed to enable unit: Unit file memsync-git.service does not exist." >&2; exit 1; }
    touch "$state/enabled"
    ;;
disable)
    rm -f "$state/enabled"
    [ "$2" != --now ] || rm -f "$state/active"
    ;;
start)
    has waits && { echo "Job for memsync-git.service canceled." >&2; exit 1; }
    has active || run
    ;;
restart)
    rm -f "$state/waits"
    run
    ;;
stop) rm -f "$state/active" ;;
reset-failed) rm -f "$state/failed" ;;
show)
    if has active; then
        echo ActiveState=active
        echo SubState=running
        echo "MainPID=$(cat "$state/pid")"
        echo Result=success
    elif has waits; then
        printf 'ActiveState=activating\nSubState=auto-restart\nMainPID=0\nResult=watchdog\n'
    elif has failed; then
        echo ActiveState=failed
        echo SubState=failed
        echo MainPID=0
        echo "Result=$(cat "$state/failed")"
    else
        echo ActiveState=inactive
        echo SubState=dead
        echo MainPID=0
        echo Result=success
    fi
    has enabled && echo UnitFileState=enabled || echo UnitFileState=disabled
    echo "ActiveEnterTimestampMonotonic=$(cat "$state/entered" 2>/dev/null || echo 1)"
    ;;
*)
    echo "Unknown command verb $verb." >&2
    exit 1
    ;;
esac
