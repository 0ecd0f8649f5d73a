#!/usr/bin/env bash
# A real Postgres 17 with pgvector for the tests, on Debian and as root, beside whatever the machine has itself.
#
#   export SLUICE_TEST_DATABASE_URL=$(scripts/test-postgres.sh start)
#   scripts/test-postgres.sh url      # of the one that runs for this checkout
#   scripts/test-postgres.sh stop     # and its data are gone
#   scripts/test-postgres.sh root     # only the Debian that it lives in (scripts/test-valkey.sh lives there as well)
#
# The server lives in a small Debian of its own (SLUICE_PG_ROOT, made at the first start, about 750 MB, and kept) and
# is run there by chroot as user postgres, on a free loopback port, with a fresh data folder for each start. Each
# checkout has its own server. The URL goes to standard output, all other words to standard error.
#
# States of a root: absent, being made (as SLUICE_PG_ROOT.partial; a killed making leaves that, the next one begins
# anew), ready (moved into its place). Making is guarded by a lock that the kernel gives back.
# States of a server: its folder is absent (stopped), or holds `url` (running, or killed: start then replaces it).
set -euo pipefail

readonly root=${SLUICE_PG_ROOT:-/var/tmp/sluice-pgroot}
readonly suite=trixie
readonly packages=postgresql-17,postgresql-17-pgvector,valkey-server,ca-certificates
readonly binaries=/usr/lib/postgresql/17/bin
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly checkout
# As seen from inside the chroot, and from outside.
inside=/var/lib/sluice-test/$(printf %s "$checkout" | sha256sum | cut -c1-16)
readonly inside outside=$root$inside

say() { printf 'test-postgres: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}
as_postgres() { chroot --userspec=postgres:postgres "$root" /usr/bin/env -i PATH="$binaries:/usr/bin:/bin" LC_ALL=C.UTF-8 "$@"; }
is_ready() { [[ -x $1$binaries/postgres && -e $1/usr/share/postgresql/17/extension/vector.control && ! -e $1/debootstrap ]]; }
is_running() { [[ -e $outside/data/postmaster.pid ]] && as_postgres pg_ctl --pgdata="$inside/data" status >/dev/null 2>&1; }

# The first archive of Debian itself that apt is set up with.
mirror() {
  # shellcheck disable=SC2016 # apt's own placeholders
  apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
    awk '$1 == "Debian" && !found { print $2; found = 1 }'
}

install_debootstrap() {
  say 'asking apt for its lists and for debootstrap'
  apt-get update -qq >&2
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >&2
}

make_root() {
  mkdir -p "$(dirname "$root")"
  exec 9>"$root.lock"
  flock 9
  if is_ready "$root"; then return; fi # somebody else made it while we waited
  [[ ! -e $root ]] || fail "$root is there, but is no Debian with Postgres 17 and pgvector; move it away or name another SLUICE_PG_ROOT"
  if ! command -v debootstrap >/dev/null || [[ -z $(mirror) ]]; then install_debootstrap; fi
  local from proxy
  from=$(mirror)
  [[ -n $from ]] || fail 'apt knows of no Debian archive; set SLUICE_TEST_DATABASE_URL to a Postgres 17 of your own instead'
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  if [[ -n ${proxy:-} ]]; then export http_proxy=${http_proxy:-$proxy}; fi
  say "making a Debian with Postgres 17 and pgvector in $root (once; takes a minute or two)"
  local log=$root.log
  rm -rf --one-file-system "$root.partial"
  if ! debootstrap --variant=minbase --include="$packages" "$suite" "$root.partial" "$from" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    umount "$root.partial/proc" "$root.partial/sys" 2>/dev/null || true
    fail "debootstrap failed; all of its words are in $log"
  fi
  umount "$root.partial/proc" "$root.partial/sys" 2>/dev/null || true
  is_ready "$root.partial" || fail "debootstrap ended well, but Postgres 17 with pgvector is not in $root.partial"
  mv "$root.partial" "$root"
}

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })'; }

start() {
  [[ $(id -u) == 0 ]] || fail 'this needs root (chroot); or set SLUICE_TEST_DATABASE_URL to a Postgres 17 of your own'
  is_ready "$root" || make_root
  if is_running && [[ -s $outside/url ]]; then
    url
    return
  fi
  stop # what an interrupted start has left
  mkdir -p "$outside"
  local password port
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  printf '%s\n' "$password" >"$outside/password"
  chroot "$root" chown -R postgres:postgres "$inside"
  chmod 700 "$outside"
  as_postgres initdb --pgdata="$inside/data" --username=postgres --pwfile="$inside/password" \
    --auth=scram-sha-256 --encoding=UTF8 --no-sync >"$outside/initdb.log" 2>&1 || {
    cat "$outside/initdb.log" >&2
    fail 'initdb failed'
  }
  # No fsync: the data are gone with the tests. What a killed gateway had committed is safe without it as well.
  cat >>"$outside/data/postgresql.conf" <<EOF
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
fsync = off
EOF
  for attempt in 1 2 3; do # another program may take the port between our look and the server's start
    port=$(free_port)
    if as_postgres pg_ctl --pgdata="$inside/data" --log="$inside/server.log" --options="-p $port" \
      --wait --timeout=60 start >/dev/null 2>&1 9>&-; then
      printf 'postgres://postgres:%s@127.0.0.1:%s/postgres\n' "$password" "$port" >"$outside/url"
      cat "$outside/url"
      return
    fi
    say "the server did not start on port $port (try $attempt)"
  done
  tail -n 25 "$outside/server.log" >&2
  fail 'Postgres could not be started'
}

stop() {
  # Waits for the end, but not for clients: nothing of this server is wanted any more.
  if is_running && ! as_postgres pg_ctl --pgdata="$inside/data" --mode=immediate --wait --timeout=30 stop >&2; then
    fail 'Postgres could not be stopped'
  fi
  rm -rf "$outside"
}

url() {
  is_running || fail "no Postgres runs for this checkout; begin with: $0 start"
  cat "$outside/url"
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  url) url ;;
  root)
    is_ready "$root" || make_root
    printf '%s\n' "$root"
    ;;
  *) fail "usage: $0 start|stop|url|root" ;;
esac
