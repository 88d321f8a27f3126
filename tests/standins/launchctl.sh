#!/bin/sh
# As launchctl behaves with one agent. What it ends is gone only after somebody has looked once more.
state="$0.d"
echo "$*" >>"$state/calls"
has() { [ -e "$state/$1" ]; }
if has "refuses-$1"; then
    echo "$1 failed: 5: Input/output error" >&2
    exit 5
fi
run() {
    if has ends-at-once; then
        echo 78 >"$state/code"
        return
    fi
    pid=$(($(cat "$state/pid" 2>/dev/null || echo 100) + 1))
    echo "$pid" >"$state/pid"
    touch "$state/running"
}

case $1 in
print)
    if has off; then
        echo "Bootstrap failed: 125: Domain does not support specified action" >&2
        exit 125
    fi
    case $2 in gui/*/*) ;; gui/*) exit 0 ;; *) exit 64 ;; esac
    has loaded || { echo "Could not find service \"memsync-git\" in domain" >&2; exit 113; }
    echo "gui/501/memsync-git = {"
    if has running; then
        printf '\tstate = running\n\tpid = %s\n' "$(cat "$state/pid")"
    else
        printf '\tstate = not running\n\tlast exit code = %s\n' "$(cat "$state/code" 2>/dev/null || echo 0)"
    fi
    echo "}"
    if has ending; then
        rm -f "$state/ending" "$state/running"
        has leaving && rm -f "$state/leaving" "$state/loaded"
    fi
    exit 0
    ;;
enable) exit 0 ;;
bootstrap)
    [ -r "$3" ] || { echo "Bootstrap failed: 2: No such file or directory" >&2; exit 2; }
    ! has loaded || { echo "Bootstrap failed: 5: Input/output error" >&2; exit 5; }
    touch "$state/loaded"
    run
    ;;
bootout)
    has loaded || { echo "Boot-out failed: 3: No such process" >&2; exit 3; }
    touch "$state/ending" "$state/leaving"
    ;;
kickstart)
    has loaded || { echo "Could not find service" >&2; exit 113; }
    has running || run
    ;;
kill)
    has running || { echo "No process to signal." >&2; exit 3; }
    touch "$state/ending"
    ;;
print-disabled)
    echo "disabled services = {"
    has disabled && printf '\t"memsync-git" => disabled\n'
    echo "}"
    ;;
*)
    echo "Unrecognized subcommand: $1" >&2
    exit 64
    ;;
esac
