#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches Trino's server and its tpch connector, as jars, from Maven Central.
# usage: fetch.sh VERSION HOME
#
# Not the tarball: it weighs a gigabyte and is not there for every release. HOME/VERSION is written last;
# where it exists nothing is fetched.
set -eu
version=$1
home=$2
here=$(cd "$(dirname "$0")" && pwd)
[ ! -f "$home/VERSION" ] || exit 0

copy() { # copy ARTIFACT FOLDER
  mvn --quiet --batch-mode --file "$here/pom.xml" -Dartifact="$1" -Dtrino="$version" \
    org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$2"
}

rm -rf "$home"
mkdir -p "$home"
home=$(cd "$home" && pwd)
copy trino-main "$home/lib"
copy trino-tpch "$home/plugin/tpch"
# A plugin is found by a services file, which Trino's build puts beside the jar and not into it.
python3 - "$home/plugin/tpch/services.jar" <<'PYTHON'
import sys
import zipfile
with zipfile.ZipFile(sys.argv[1], "w") as jar:
    jar.writestr("META-INF/services/io.trino.spi.Plugin", "io.trino.plugin.tpch.TpchPlugin\n")
PYTHON
echo "$version" > "$home/VERSION"
du -sm "$home" | awk '{ print "fetched: " $1 " MiB" }'
