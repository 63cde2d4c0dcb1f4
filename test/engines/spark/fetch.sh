#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Spark's jars out of the source package of pyspark, which carries all of them, and compiles the driver.
# usage: fetch.sh VERSION HOME
#
# HOME/VERSION is written last; where it exists nothing is fetched, but the driver is compiled again.
set -eu
version=$1
home=$2
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -f "$home/VERSION" ]; then
  rm -rf "$home"
  mkdir -p "$home/download"
  python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: "pyspark==$version" --dest "$home/download"
  tar -xzf "$home"/download/pyspark-*.tar.gz -C "$home" --strip-components=2 --wildcards '*/deps/jars/*'
  rm -rf "$home/download"
  echo "$version" > "$home/VERSION"
  du -sm "$home" | awk '{ print "fetched: " $1 " MiB" }'
fi
rm -rf "$home/classes"
javac -nowarn -d "$home/classes" -cp "$home/jars/*" "$here/LoadDriver.java"
jar --create --file "$home/driver.jar" -C "$home/classes" .
