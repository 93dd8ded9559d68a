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
need node nodejs
need npm npm

install_packages() {
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
}

# install_player puts the asciinema player that e2e/testdata/player names, and the lock
# there vouches for, into the user's cache, whole or not at all.
install_player() {
	from="$(cd "$(dirname "$0")/.." && pwd)/e2e/testdata/player"
	version="$(sed -n 's/.*"asciinema-player": "\([^"]*\)".*/\1/p' "$from/package.json")"
	cache="${XDG_CACHE_HOME:-$HOME/.cache}/ptsns-tests"
	to="$cache/player-$version"
	[ ! -e "$to" ] || return 0
	mkdir -p "$cache"
	work="$(mktemp -d "$cache/new.XXXXXX")"
	cp "$from/package.json" "$from/package-lock.json" "$work"
	if (cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error) &&
		mv -T "$work" "$to"; then
		return 0
	fi
	rm -rf "$work"
	[ -e "$to" ] || echo "missing for the tests: asciinema-player $version" >&2 # else another was faster
}

if [ -n "$packages" ]; then
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
		install_packages
	else
		echo "missing for the tests:$packages" >&2
	fi
fi
install_player
