#!/usr/bin/env bash
# Builds the container image for the architecture that this runs on.
#
#     release/image.sh [TAG…]     # by default, tripgraph:VERSION
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

version=$(sed -n 's/^ARG VERSION=//p' Dockerfile)
[ $# -gt 0 ] || set -- "tripgraph:$version"
tags=()
for tag in "$@"; do
    tags+=(--tag "$tag")
done
docker build --build-arg "REVISION=$(git rev-parse HEAD)" "${tags[@]}" .
