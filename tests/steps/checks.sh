# The steps that are more than one command. Sourced by tests/run.

slad=${SLAD_BINARY:-${CARGO_TARGET_DIR:-target}/release/slad}

check_dependencies() {
  cargo deny --locked --config .deny.toml check --hide-inclusion-graph bans licenses sources
  if [[ -n ${SLAD_ADVISORY_DB:-} ]]; then
    # cargo-deny keeps its own clone of the database: git is told to take the copy for it.
    local config=$SLAD_SCRATCH/deny-advisories.toml
    printf '[advisories]\nyanked = "deny"\ngit-fetch-with-cli = true\ndb-path = "%s"\n' \
      "$SLAD_SCRATCH/advisory-dbs" >"$config"
    GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="url.file://$(realpath "$SLAD_ADVISORY_DB").insteadOf" \
      GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db \
      cargo deny --locked --config "$config" check --hide-inclusion-graph advisories
  else
    echo "NOTE: advisories NOT checked: SLAD_ADVISORY_DB names no local copy of the RustSec database"
  fi
}

check_config() {
  "$slad" check-config config/slad.toml config/policies config/calendars/*.toml
}

# The unit files as they will be installed, but with the program where it was built.
check_systemd() {
  local root=$SLAD_SCRATCH/systemd
  rm -rf "$root"
  mkdir -p "$root"
  sed "s|/usr/bin/slad|$(realpath "$slad")|" systemd/slad.service >"$root/slad.service"
  cp systemd/slad.socket "$root/"
  # `systemd-analyze verify` warns and exits 0 for what it only dislikes: any word is a failure here.
  local said
  said=$(SYSTEMD_UNIT_PATH="$root:" systemd-analyze verify --man=no --recursive-errors=no \
    "$root/slad.service" "$root/slad.socket" 2>&1) || { echo "$said"; return 1; }
  if [[ -n $said ]]; then echo "$said"; return 1; fi
  # User and folders, in a root of their own; only root may give folders away.
  if ((EUID == 0)); then
    mkdir -p "$root/fs/etc"
    systemd-sysusers --root="$root/fs" "$PWD/systemd/slad.sysusers.conf"
    grep -q '^slad:' "$root/fs/etc/passwd"
    systemd-tmpfiles --root="$root/fs" --create "$PWD/systemd/slad.tmpfiles.conf"
    [[ -d $root/fs/var/lib/slad && -d $root/fs/run/slad && -d $root/fs/etc/slad ]]
  else
    systemd-sysusers --dry-run "$PWD/systemd/slad.sysusers.conf"
    echo "note: folders not made: not root"
  fi
  systemd-analyze security --no-pager --offline=yes --threshold=20 "$root/slad.service"
}

check_prometheus() {
  promtool check config config/prometheus/scrape.yml
  promtool check rules config/prometheus/rules.yml
  (cd config/prometheus && promtool test rules rules_test.yml)
}

check_clients() {
  tests/clients/run "$slad"
}

# Working time as a Python library reckons it.
check_calendar_python() {
  SLAD_PYTHON=$calendar_venv/bin/python cargo test --locked --test calendar -- --ignored --show-output python
}
