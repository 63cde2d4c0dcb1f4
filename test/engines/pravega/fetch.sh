#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Pravega's jars from Maven Central and compiles the client.
# usage: fetch.sh VERSION HOME
#
# HOME/VERSION is written last; where it exists nothing is fetched, but the client is compiled again.
set -eu
version=$1
home=$2
here=$(cd "$(dirname "$0")" && pwd)
if [ ! -f "$home/VERSION" ]; then
  rm -rf "$home"
  mkdir -p "$home"
  mvn --quiet --batch-mode --file "$here/pom.xml" -Dpravega="$version" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$(cd "$home" && pwd)/lib"
  echo "$version" > "$home/VERSION"
  du -sm "$home" | awk '{ print "fetched: " $1 " MiB" }'
fi
rm -rf "$home/classes"
javac -nowarn -d "$home/classes" -cp "$home/lib/*" "$here/Streams.java"
