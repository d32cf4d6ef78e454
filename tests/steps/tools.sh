# What the steps need, and how to get it. Sourced by tests/run; needs SLAD_SCRATCH.

venv=$SLAD_SCRATCH/venv
calendar_venv=$SLAD_SCRATCH/calendar-venv
node_clients=$SLAD_SCRATCH/node

# Versions of what is not a Debian package: pinned, so that a red run is ours.
redis_py=redis==8.1.0
businesstimedelta=businesstimedelta==1.0.1
node_redis=redis@6.3.1
io_redis=ioredis@6.0.0
cargo_deny=cargo-deny@0.20.2

need_tools() {
  local packages=()
  has redis-cli || packages+=(redis-tools)
  has redis-server || packages+=(redis-server)
  has redis-benchmark || packages+=(redis-tools)
  has promtool || packages+=(prometheus)
  has systemd-analyze || packages+=(systemd)
  has strace || packages+=(strace)
  has mkfs.ext4 || packages+=(e2fsprogs)
  has mount || packages+=(mount)
  has prlimit || packages+=(util-linux)
  has npm || packages+=(nodejs npm)
  has python3 || packages+=(python3)
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
  if ((${#packages[@]})); then install_packages "${packages[@]}"; fi
  for tool in redis-cli redis-server redis-benchmark promtool systemd-analyze strace mkfs.ext4 mount prlimit node npm python3; do
    has "$tool" || fail "$tool is still missing after installing ${packages[*]}"
  done
  has cargo || fail "cargo is missing: install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer"
  cargo deny --version >/dev/null 2>&1 || cargo install --locked "$cargo_deny"
  need_python_client
  need_python_calendar
  need_node_clients
}

has() { command -v "$1" >/dev/null 2>&1; }

fail() {
  echo "error: $*" >&2
  return 1
}

install_packages() {
  if ((EUID != 0)); then
    fail "missing Debian packages: run as root, or: apt-get install $*"
    return 1
  fi
  # The daemons in these packages are not to be started by being installed.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get update -q
  apt-get install -y -q --no-install-recommends "$@"
}

need_python_client() {
  if [[ ! -f $venv/$redis_py ]]; then
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$redis_py"
    touch "$venv/$redis_py"
  fi
}

need_python_calendar() {
  if [[ ! -f $calendar_venv/$businesstimedelta ]]; then
    rm -rf "$calendar_venv"
    python3 -m venv "$calendar_venv"
    "$calendar_venv/bin/pip" install --quiet --disable-pip-version-check "$businesstimedelta"
    touch "$calendar_venv/$businesstimedelta"
  fi
}

need_node_clients() {
  local stamp=$node_clients/$node_redis-$io_redis
  if [[ ! -f $stamp ]]; then
    rm -rf "$node_clients"
    mkdir -p "$node_clients"
    echo '{"private":true}' >"$node_clients/package.json"
    npm install --prefix "$node_clients" --no-fund --no-audit --loglevel=error "$node_redis" "$io_redis"
    touch "$stamp"
  fi
}
