#!/bin/sh
# Installs what the tests drive and is not there yet. Without root, or without apt, it
# says what is missing, and the tests that need it are skipped.
set -eu

packages=""
need() { # PROGRAM PACKAGE
	command -v "$1" >/dev/null 2>&1 || packages="$packages $2"
}
PATH="$PATH:/usr/sbin:/sbin"
need sshd openssh-server
need ssh openssh-client
need tmux tmux
need expect expect
need musl-gcc musl-tools
need gcc gcc
need vim vim
need less less
need script bsdutils
need python3 python3-minimal
need ps procps
need setpriv util-linux
need mount mount
need asciinema asciinema
need chromium chromium
[ -n "$packages" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
	echo "missing for the tests:$packages" >&2
	exit 0
fi
export DEBIAN_FRONTEND=noninteractive
# sshd is only driven by the tests, on ports of their own: its service stays down.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	printf '#!/bin/sh\nexit 101\n' >"$policy"
	chmod +x "$policy"
	trap 'rm -f "$policy"' EXIT
fi
apt-get update
# shellcheck disable=SC2086 # a list of words
apt-get install -y --no-install-recommends $packages
