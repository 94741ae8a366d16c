# Shared by the scripts: work in the checkout's root, speak in one voice, take turns.

set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
# One compiler cache for all checkouts of a machine: paths count from the checkout's root.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1

say() { printf '%s\n' "==> $*"; }
die() { printf '%s\n' "$(basename "$0"): $*" >&2; exit 1; }

# with_lock NAME COMMAND...: one at a time, so that `up` and `test` may run side by side.
with_lock() {
    local name=$1
    shift
    mkdir -p build
    (
        flock -w 3600 9 || die "another run holds build/.$name.lock for an hour; is it stuck?"
        "$@" 9>&-
    ) 9>"build/.$name.lock"
}

# retry N COMMAND...: for steps that fetch from a registry.
retry() {
    local left=$1
    shift
    until "$@"; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        say "failed, trying again: $1 ($left left)"
        sleep 3
    done
}

# link_node FOLDER: the Node that came from PyPI, in .venv/bin: the same one for everybody.
link_node() {
    local target
    target="$(cd "$1" && pwd)"
    [ "$(readlink .venv/bin/node 2>/dev/null)" != "$target/bin/node" ] || return 0
    ln -sfn "$target/lib/node_modules/npm/bin/npx-cli.js" .venv/bin/npx
    ln -sfn "$target/lib/node_modules/npm/bin/npm-cli.js" .venv/bin/npm
    ln -sfn "$target/bin/node" .venv/bin/node
}

# install_npm FOLDER: its packages as locked, when the lock file has changed since the last time.
install_npm() {
    local folder=$1 stamp log
    stamp="$(sha256sum <"$folder/package-lock.json") $(node --version)"
    [ "$(cat "$folder/node_modules/.setup-stamp" 2>/dev/null)" != "$stamp" ] || return 0
    say "installing npm packages: $folder"
    log=$(mktemp)
    npm_ci() { (cd "$folder" && npm ci --no-audit --no-fund --loglevel=error) >"$log" 2>&1; }
    if ! retry 3 npm_ci; then
        head -n 30 "$log" >&2
        rm -f "$log"
        die "npm could not install $folder"
    fi
    rm -f "$log"
    mkdir -p "$folder/node_modules"
    printf '%s\n' "$stamp" >"$folder/node_modules/.setup-stamp"
}
