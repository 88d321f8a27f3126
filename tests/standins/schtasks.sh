#!/bin/sh
# As schtasks behaves with one task, on a German Windows: nobody must read its words.
state="$0.d"
echo "$*" >>"$state/calls"
has() { [ -e "$state/$1" ]; }
if has "refuses-${1#/}"; then
    echo "FEHLER: Zugriff verweigert" >&2
    exit 1
fi
there() { has task.xml || { echo "FEHLER: Das System kann die angegebene Datei nicht finden." >&2; exit 1; }; }
[ "$2" = /TN ] && [ "$3" = memsync-git ] || exit 1

case $1 in
/Create)
    [ "$4" = /XML ] && [ "$6" = /F ] || exit 1
    iconv -f UTF-16 -t UTF-8 "$5" | sed 's/ encoding="UTF-16"//' >"$state/task.xml"
    echo 267011 >"$state/result"
    ;;
/Query)
    there
    if [ "$4" = /XML ]; then
        cat "$state/task.xml"
    else
        printf '"PC","\\memsync-git","N/A","Wird ausgef\374hrt","Interaktiv","20.11.2026 11:30:00","%s","PC\\\\me"\r\n' \
            "$(cat "$state/result")"
    fi
    ;;
/Run)
    there
    has ends-at-once && echo 2 >"$state/result" || echo 267009 >"$state/result"
    ;;
/End)
    there
    echo 267014 >"$state/result"
    ;;
/Delete)
    there
    rm -f "$state/task.xml" "$state/result"
    ;;
*) exit 1 ;;
esac
