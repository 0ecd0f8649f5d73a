#!/usr/bin/env bash
# A real Valkey 8 for the tests, on Debian and as root, beside whatever the machine has itself.
#
#   export SLUICE_TEST_VALKEY_URL=$(scripts/test-valkey.sh start)
#   scripts/test-valkey.sh url                # of the one that runs for this checkout
#   scripts/test-valkey.sh stop               # and its data are gone
#   scripts/test-valkey.sh run NAME [--port …] # one more, in the foreground: for tests that kill it and start it again
#
# The server comes from the small Debian that scripts/test-postgres.sh makes and keeps, and is run there by chroot as
# user valkey, on a free loopback port. Each checkout has its own. The URL goes to standard output, all other words to
# standard error. What `run` started keeps its data (a folder NAME) for the next `run` of that name, until `stop`.
#
# States of a server: its folder is absent (stopped), or holds `url` and `pid` (running, or killed: start replaces it).
set -euo pipefail

readonly root=${SLUICE_PG_ROOT:-/var/tmp/sluice-pgroot}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/.." && pwd)
readonly here checkout
# As seen from inside the chroot, and from outside.
inside=/var/lib/sluice-test/$(printf %s "$checkout" | sha256sum | cut -c1-16)-valkey
readonly inside outside=$root$inside

say() { printf 'test-valkey: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
has_server() { [[ -x $root/usr/bin/valkey-server ]]; }
in_root() { chroot --userspec=valkey:valkey "$root" /usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 "$@"; }
is_running() { [[ -s $outside/url ]] && in_root valkey-cli -u "$(cat "$outside/url")" ping >/dev/null 2>&1; }

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'; }

own_folder() {
  mkdir -p "$outside/$1"
  chroot "$root" chown -R valkey:valkey "$inside"
}

start() {
  [[ $(id -u) == 0 ]] || fail 'this needs root (chroot); or set SLUICE_TEST_VALKEY_URL to a Valkey 8 of your own'
  if is_running; then
    url
    return
  fi
  "$here/test-postgres.sh" root >/dev/null
  has_server || fail "$root has no Valkey; move it away (it is made again), or set SLUICE_TEST_VALKEY_URL to your own"
  stop # what an interrupted start has left
  own_folder data
  local port
  for attempt in 1 2 3; do # another program may take the port between our look and the server's start
    port=$(free_port)
    if in_root valkey-server --port "$port" --bind 127.0.0.1 --dir "$inside/data" --save '' --appendonly no \
      --daemonize yes --pidfile "$inside/data/pid" --logfile "$inside/data/log" >/dev/null 2>&1; then
      printf 'valkey://127.0.0.1:%s\n' "$port" >"$outside/url"
      for _ in {1..50}; do
        if is_running; then
          cat "$outside/url"
          return
        fi
        sleep 0.1
      done
    fi
    rm -f "$outside/url"
    say "the server did not start on port $port (try $attempt)"
  done
  tail -n 25 "$outside/data/log" >&2 || true
  fail 'Valkey could not be started'
}

stop() {
  if is_running; then in_root valkey-cli -u "$(cat "$outside/url")" shutdown nosave >/dev/null 2>&1 || true; fi
  if is_running; then fail 'Valkey could not be stopped'; fi
  rm -rf "$outside"
}

# In place of this shell, so that whoever started it can end it by its own process id.
run() {
  [[ $(id -u) == 0 ]] && has_server || fail "this needs root and a Valkey in $root; begin with: $0 start"
  local name=$1
  [[ $name =~ ^[a-z0-9-]+$ ]] || fail 'a name is made of a-z, 0-9 and -'
  shift
  own_folder "$name"
  exec chroot --userspec=valkey:valkey "$root" /usr/bin/env -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8 \
    valkey-server --bind 127.0.0.1 --dir "$inside/$name" "$@"
}

url() {
  is_running || fail "no Valkey runs for this checkout; begin with: $0 start"
  cat "$outside/url"
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  url) url ;;
  run) shift && run "${@:?a name}" ;;
  *) fail "usage: $0 start|stop|url|run NAME [settings]" ;;
esac
