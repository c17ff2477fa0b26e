#!/bin/sh
# What `make run` does: label a copy of the example reviews with the signoff named in $1, in the folder $2.
# On a terminal you answer in the browser; without one the label column of the file answers for you.
set -eu
signoff=$1
folder=$2
data=$folder/reviews.csv

mkdir -p "$folder"
[ -f "$data" ] || cp "$(dirname "$0")/reviews.csv" "$data"

mix= # a person may have begun what the column finishes, or the other way round: the certificate says so
[ ! -f "$folder/reviews.signoff.db" ] || mix=--mix-reviewers

label() {
    [ -z "$mix" ] || set -- "$@" "$mix"
    echo "\$ signoff run $data --key id --text text --labels Positive,Negative --max-error 5%${1:+ $*}"
    "$signoff" run "$data" --key id --text text --labels Positive,Negative --max-error 5% "$@"
}

code=0
trap : INT # Ctrl-C is for the run; this script has something to say after it
if [ -t 0 ] && [ -t 1 ]; then
    echo 'You answer in the browser; Ctrl-C stops, and the next `make run` goes on where you stopped.'
    echo 'To let the column of right answers finish instead:  make run </dev/null'
    echo
    label || code=$?
    if [ "$code" -eq 3 ]; then
        echo
        echo 'Not finished yet. `make run` goes on; or let the column of right answers finish:'
        echo "  $signoff run $data --key id --text text --labels Positive,Negative --max-error 5% --reviewer column:label --mix-reviewers"
        exit 0
    fi
else
    label --reviewer column:label || code=$?
fi
[ "$code" -eq 0 ] || exit "$code"

echo
echo "The files (remove $folder to start again):"
ls -1d "$folder"/reviews.* | sed 's/^/  /'
echo "Check it yourself:  $signoff verify $folder/reviews.signoff.db"
