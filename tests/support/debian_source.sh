#!/usr/bin/env bash
# debian_source.sh PACKAGE DIR: unpacks a Debian source package into DIR (once; kept afterwards).
# As upstream made it: without the patches of Debian, some of which want more tools to build.
# Uses the mirrors that apt is set up with, adding source entries in a list of its own.
set -euo pipefail
package=$1 dir=$2
[ -e "$dir/.complete" ] && exit 0
mkdir -p "$dir"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/parts"
for file in /etc/apt/sources.list.d/*.sources; do
  [ -e "$file" ] || continue
  sed 's/^Types:.*/Types: deb-src/' "$file" > "$work/parts/$(basename "$file")"
done
touch "$work/list"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
  [ -e "$file" ] && sed -n 's/^deb /deb-src /p' "$file" >> "$work/list"
done
apt=(apt-get -qq -o "Dir::Etc::SourceList=$work/list" -o "Dir::Etc::SourceParts=$work/parts"
     -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root)
"${apt[@]}" update >&2
(cd "$work" && "${apt[@]}" source --download-only "$package" >&2)
dpkg-source --no-check --skip-patches -x "$work"/"$package"_*.dsc "$work/src" >&2
cp -a "$work/src/." "$dir/"
touch "$dir/.complete"
