#!/bin/sh
# Makes packages/api/src from proto/. Needs protoc (Debian: protobuf-compiler libprotobuf-dev).
set -eu
cd "$(dirname "$0")/.."
rm -rf packages/api/src
mkdir -p packages/api/src
# shellcheck disable=SC2046
protoc -I proto --plugin=node_modules/.bin/protoc-gen-es --es_out=packages/api/src \
  --es_opt=target=ts,import_extension=ts,erasable_syntax=true $(cd proto && find . -name '*.proto' | sed 's,^\./,,' | sort)
