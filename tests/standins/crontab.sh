#!/bin/sh
# As Vixie cron's crontab behaves: -l prints, - replaces, and none yet is an error.
state="$0.d"
echo "$*" >>"$state/calls"
case "$1" in
-l)
    [ ! -e "$state/off" ] || { echo "you are not allowed to use this program" >&2; exit 1; }
    [ -e "$state/spool" ] || { echo "no crontab for me" >&2; exit 1; }
    cat "$state/spool"
    ;;
-)
    [ ! -e "$state/refuses-write" ] || { echo "bad minute" >&2; exit 1; }
    cat >"$state/spool.new" && mv "$state/spool.new" "$state/spool"
    ;;
esac
