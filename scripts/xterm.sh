#!/bin/sh
# Fetches the terminal of the web page, xterm.js with two addons, from the npm registry
# (npm pack, which checks what it gets) into webd/page/vendor. To update it, change the
# versions, run this, and look at the page.
set -eu

xterm=6.0.0
fit=0.11.0
unicode11=0.9.0

dir=$(cd "$(dirname "$0")/.." && pwd)/webd/page/vendor
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dir"

take() { # PACKAGE VERSION FILE...
	package=$1 version=$2
	shift 2
	(cd "$work" && npm pack --silent "$package@$version" >name && tar xzf "$(cat name)")
	for file; do
		# The source maps stay behind.
		sed '/^\/\/# sourceMappingURL=/d' "$work/package/$file" >"$dir/$(basename "$file")"
	done
	# All are xtermjs's, under one licence, which names its holders in each.
	{
		echo "$package $version"
		echo
		cat "$work/package/LICENSE"
		echo
	} >>"$work/LICENSE"
	rm -rf "$work/package"
}

take @xterm/xterm $xterm lib/xterm.mjs css/xterm.css
take @xterm/addon-fit $fit lib/addon-fit.mjs
take @xterm/addon-unicode11 $unicode11 lib/addon-unicode11.mjs
cp "$work/LICENSE" "$dir/LICENSE"
(cd "$dir" && sha256sum ./*.mjs ./*.css >SHA256SUMS)
