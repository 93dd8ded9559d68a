#!/usr/bin/env bash
# demo.sh shows what ptsns does, by itself, and checks everything it shows.
#
# Usage: demo.sh [PTSNS]
#
# It has its own runtime directory, so that other namespaces are not in its way, and
# leaves nothing behind, also when interrupted. The exit status is 1 when something
# that it says is not so.
set -u

ptsns=$(command -v -- "${1:-ptsns}") || { echo "demo: no program ${1:-ptsns}" >&2; exit 1; }
ptsns() { "$ptsns_path" "$@"; }
ptsns_path=$(realpath -- "$ptsns")

dir=$(mktemp -d "${TMPDIR:-/tmp}/demo.XXXXXX") || exit 1
mkdir -m 0700 "$dir/run"
export PTSNS_RUNTIME_DIR=$dir/run
patience=10 # seconds until something that does not come has failed

clean() {
	trap '' INT TERM HUP
	local left
	left=$(ls "$PTSNS_RUNTIME_DIR")
	[ -z "$left" ] || ptsns rm $left
	wait
	rm -rf "$dir"
}
trap clean EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

say() { printf '\n%s\n\n' "$*"; }
fail() { printf '\ndemo: this is not so: %s\n' "$*" >&2; exit 1; }

# show prints and runs a command line of the parent.
show() {
	printf '    $ %s\n' "$1"
	local said status
	said=$(eval "$1")
	status=$?
	said=${said//$'\r'/} # a terminal ends its lines with both
	[ -z "$said" ] || sed 's/^/    /' <<<"$said"
	[ $status = 0 ] || fail "$1 works"
	shown=$said
}

# open_window starts a shell in namespace $1 whose input and output are ours, as in a
# window of its own. $in and $out are their descriptors.
declare -A in out
open_window() {
	local i o
	mkfifo "$dir/$1.in" "$dir/$1.out"
	printf '    $ ptsns run --name %s -- sh\n' "$1"
	exec {i}<>"$dir/$1.in" {o}<>"$dir/$1.out"
	ptsns run --name "$1" -e PS1="$1\$ " -e TERM=dumb -e SHELL=/bin/sh -- sh <&"$i" >&"$o" {i}>&- {o}>&- &
	in[$1]=$i out[$1]=$o
	read_until "$1" "$1$ "
}

# read_until reads what is on the window of $1 until it ends with $2, into $screen.
read_until() {
	local c
	screen=
	while [[ $screen != *"$2" ]]; do
		IFS= read -r -d '' -N 1 -t $patience -u "${out[$1]}" c || fail "$1 shows '$2' after '$screen'"
		[ "$c" = $'\r' ] || screen+=$c
	done
}

# type_in types a line on the window of $1 and shows what is then on it, up to the
# next prompt.
type_in() {
	printf '%s\n' "$2" >&"${in[$1]}"
	read_until "$1" $'\n'"$1$ "
	screen=${screen%$'\n'*}
	sed "s/^/    /; 1s/^    /    $1\$ /" <<<"$screen"
}

expect() { [[ $screen == *"$1"* ]] || fail "this shows '$1'"; }

cat <<'END'
Two namespaces, a shell in each. Every namespace has its own terminals, numbered from
0: both shells are on /dev/pts/0, and neither sees the other's.
END
echo
open_window vs1
type_in vs1 tty
expect /dev/pts/0
type_in vs1 'ls /dev/pts'
[ "$(tr -s ' ' <<<"${screen#*$'\n'}")" = '0 ptmx' ] || fail "vs1 has one terminal"
echo
open_window vs2
type_in vs2 tty
expect /dev/pts/0

say "The parent sees them all, and can write to each. Only that one shows it."
show 'echo foo > $(ptsns path vs1/0)'
read_until vs1 $'foo\n'
printf '    vs1$ %s' "$screen"
printf '\n' >&"${in[vs1]}" && read_until vs1 "vs1$ " # a new prompt
printf '\n' >&"${in[vs2]}" && read_until vs2 $'\n''vs2$ '
[[ $screen != *foo* ]] || fail "vs2 does not show foo"
echo '    vs2$'

say "A new terminal in vs1, opened from outside."
show 'ptsns exec vs1 -- tty </dev/null'
[[ $shown == */dev/pts/1* ]] || fail "the new terminal is /dev/pts/1"

joined=vs2/0
if ptsns ls | grep -q '^vs2  *kernel  *tap ' && command -v script >/dev/null; then
	say "A program inside opens a terminal as it does everywhere. The parent has that one too."
	type_in vs2 "script -q /dev/null"
	type_in vs2 tty
	expect /dev/pts/1
	joined=vs2/1
else
	say "(Terminals that programs inside open themselves can be joined with --ptmx=tap only.)"
fi
show 'ptsns ls'
[[ $shown == *vs1/0* && $shown == *$joined* ]] || fail "ls lists vs1/0 and $joined"

say "Somebody joins $joined and types. Both see it."
mkfifo "$dir/join.in" "$dir/join.out"
exec {i}<>"$dir/join.in" {o}<>"$dir/join.out"
in[join]=$i out[join]=$o
printf '    $ ptsns attach %s\n' $joined
ptsns attach $joined <&"$i" >&"$o" {i}>&- {o}>&- &
printf 'echo it is $(tty)\n' >&"$i"
want="it is /dev/pts/${joined#vs2/}"
read_until join "$want"$'\n'
sed 's/^/    /' <<<"${screen%$'\n'}"
read_until vs2 "$want"$'\n''vs2$ '
echo "    and in the other window"
sed 's/^/    /; 1s/^    /    vs2$ /; $d' <<<"$screen"

say "Who joins sees at once what is on the screen. To look, or for a program, there is"
show "ptsns screen $joined"
[[ $shown == *"$want"* ]] || fail "the screen of $joined shows '$want'"

say "A terminal on record, from now on."
cd "$dir"
show 'ptsns record vs1/0 vs1.cast'
type_in vs1 'echo for the record'
expect "for the record"
show 'ptsns record --stop vs1/0'
show 'ptsns verify vs1.cast | head -n 1'
[ "$shown" = "vs1.cast: whole" ] || fail "the recording is whole"
grep -q '"o".*for the record' vs1.cast || fail "the recording shows what was put out"

say "The end: programs, mounts and files go with a namespace."
show 'ptsns rm vs1 vs2'
wait
show 'ptsns ls'
[[ $shown != *vs* ]] || fail "no namespace is left"
! grep -q " $PTSNS_RUNTIME_DIR" /proc/self/mountinfo || fail "no mount is left"
