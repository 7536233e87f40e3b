#!/bin/sh
# Installs the system packages that demo and test like to have: as root with apt; otherwise says what is missing.
# Nothing here is needed for a number: without OpenGL there is no scene.png, without the others some tests skip.
# Usage: tools/system_packages.sh run|test
run="libegl1 libgl1-mesa-dri"
test="$run chromium xvfb poppler-utils admesh dcmtk dicom3tools libgl1 libgomp1 libglu1-mesa libxcursor1 libxinerama1 libxft2" # the last six: gmsh
[ "$1" = test ] && wanted=$test || wanted=$run

command -v dpkg-query >/dev/null 2>&1 || { echo "note: not a Debian system; useful system packages: $wanted"; exit 0; }
missing=
for p in $wanted; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q "ok installed" || missing="$missing $p"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ]; then
    echo "note: not root; missing system packages:$missing"
    exit 0
fi
echo "installing system packages:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -qq update >/dev/null 2>&1
for p in $missing; do # one by one: a package that this release does not have must not stop the others
    apt-get -qq install -y --no-install-recommends "$p" >/dev/null 2>&1 || echo "note: could not install $p"
done
exit 0
