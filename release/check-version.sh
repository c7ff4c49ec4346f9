#!/usr/bin/env bash
# Fails unless a tag is the version of the project.
#
#     release/check-version.sh v0.1.0
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n '/^\[workspace.package\]/,/^$/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[ "$1" = "v$version" ] || {
    echo "the tag is $1, and the version in Cargo.toml $version" >&2
    exit 1
}
grep -q "^## $version\b" CHANGELOG.md || {
    echo "CHANGELOG.md has no section $version" >&2
    exit 1
}
