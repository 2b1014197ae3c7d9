#!/usr/bin/env bash
#
# Throw-away Ceph clusters on 127.0.0.1 that speak only msgr2. Needs root on Debian.
#
#   ceph-cluster.sh prepare --release N [--mds 0|1]   install Ceph N: 16, 18 or 20, with an MDS or without
#   ceph-cluster.sh up --release N --auth cephx|none --mode crc|secure|prefer-secure --dir DIR --port PORT
#                      [--mons 1|3] [--osds 0|1|2] [--mds 0|1] [--cipher aes|aes256k] [--life SECONDS] [--set 'k = v']...
#   ceph-cluster.sh info --dir DIR               key=value lines: fsid, mon_host, conf, keyring, pids ...
#   ceph-cluster.sh exec --dir DIR -- CMD...     CMD from the cluster's own release, CEPH_CONF set
#   ceph-cluster.sh stop|start --dir DIR --name mon.a
#   ceph-cluster.sh down --dir DIR               stop it all; DIR stays, for its logs
#
# Monitors listen on PORT, PORT+1, PORT+2, OSDs and MDS in PORT+10..PORT+99; with OSDs there is a pool "msgr2", with an MDS,
# which needs an OSD, a file system "msgr2". There is no manager.
# --cipher is for release 20, the first to know more than one kind of key. A forgotten cluster goes down after --life (1 h).
#
# Ceph comes from the Debian suite that ships it: from the host's own packages when the host is that suite, else from a
# chroot in ${MSGR2_CEPH_HOME:-/var/tmp/msgr2-ceph}/roots. A chroot is entered in a mount namespace of one process, so no
# mount outlives it. Daemons are known by the pids in DIR/run, and only while their command line names DIR.
set -euo pipefail

home=${MSGR2_CEPH_HOME:-/var/tmp/msgr2-ceph}
packages=(ceph-mon ceph-osd ceph-common)

say() { printf 'ceph-cluster: %s\n' "$*" >&2; }
die() {
  say "$*"
  exit 1
}

# What must not outlive this script: the command it waits for, a file on the host, a cluster half up.
child='' policy='' raising=''
on_exit() {
  [ -z "$child" ] || kill "$child" 2>/dev/null || true
  [ -z "$policy" ] || rm -f "$policy"
  [ -z "$raising" ] || take_down
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# ---- releases -------------------------------------------------------------------------------------------------------

suite_of() {
  case $1 in 16) echo bookworm ;; 18) echo trixie ;; 20) echo forky ;; *) die "--release is 16, 18 or 20, not '$1'" ;; esac
}

host_suite() { (. /etc/os-release && echo "${VERSION_CODENAME:-}"); }

# Sets root: where the release's files are, empty for the host itself.
choose_root() {
  local suite
  suite=$(suite_of "$1")
  root=
  [ "$suite" = "$(host_suite)" ] || root=$home/roots/$suite
}

# enter BIND CMD...: becomes CMD of the release under $root, with the directory BIND visible at its own path.
enter() {
  local bind=$1 word clean=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 "TERM=${TERM:-dumb}")
  shift
  for word in http_proxy https_proxy no_proxy; do [ -z "${!word:-}" ] || clean+=("$word=${!word}"); done
  [ -z "$bind" ] || clean+=("CEPH_CONF=$bind/ceph.conf")
  [ -n "$root" ] || exec "${clean[@]}" "$@"
  exec unshare --mount --propagation private sh -ec '
    root=$1 bind=$2
    shift 2
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    [ -z "$bind" ] || mount --bind "$bind" "$root$bind"
    exec chroot "$root" "$@"' sh "$root" "$bind" "${clean[@]}" "$@"
}

# limited BIND LOG SECONDS CMD...: CMD of the release, its output added to LOG. It runs in the background because a
# shell that waits, unlike one with a child in front, answers signals.
limited() {
  local bind=$1 log=$2 status=0
  shift 2
  enter "$bind" timeout -k 5 "$@" </dev/null >>"$log" 2>&1 9>&- &
  child=$!
  wait "$child" || status=$?
  child=
  return "$status"
}

installed() {
  local states
  states=$(dpkg-query --admindir="$root/var/lib/dpkg" -W -f '${db:Status-Status}\n' "${packages[@]}" 2>/dev/null) || return 1
  [ "$(grep -cx installed <<<"$states")" = "${#packages[@]}" ]
}

# ---- prepare --------------------------------------------------------------------------------------------------------

# One step of an installation; when it fails, the end of its log and one line that says so.
step() {
  local what=$1
  shift
  limited "" "$log" 1200 "$@" && return
  tail -n 8 "$log" >&2
  die "Ceph $release could not be installed: $what failed (log: $log)"
}

apt_install() {
  step "apt-get install $*" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 -o Dpkg::Options::=--force-confold "$@"
}

# Not fatal: one broken source among many is no reason not to try.
apt_update() { limited "" "$log" 300 apt-get update || say "apt-get update failed; going on with the lists that are there"; }

# Host packages, their services kept from starting.
install_on_host() {
  if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=/usr/sbin/policy-rc.d
    forbid_services "$policy"
  fi
  say "installing $* with apt"
  apt_update
  apt_install "$@"
  [ -z "$policy" ] || rm -f "$policy"
  policy=
}

forbid_services() {
  printf '#!/bin/sh\nexit 101\n' >"$1"
  chmod +x "$1"
}

# The Debian archive this machine installs from, as its own apt knows it.
mirror() {
  apt-get indextargets --format '$(ORIGIN)|$(COMPONENT)|$(RELEASE)|$(REPO_URI)' 'Created-By: Packages' |
    awk -F'|' '$1 == "Debian" && $2 == "main" && $3 !~ /-/ && !n++ { print $4 }'
}

# Builds under a name of its own and renames at the end: a chroot with its final name is complete.
install_in_chroot() {
  local suite=$1 final=$root from script error proxy=
  [ ! -e "$final" ] || die "$final is there without a complete Ceph in it: remove it and try again"
  error=$(unshare --mount true 2>&1) || die "Ceph $release needs a chroot with mounts of its own, and they are forbidden here: $error"
  root=
  command -v debootstrap >/dev/null || install_on_host debootstrap
  from=$(mirror)
  if [ -z "$from" ]; then
    apt_update
    from=$(mirror)
  fi
  [ -n "$from" ] || die "Ceph $release could not be installed: this machine's apt knows no Debian archive"
  eval "$(apt-config shell proxy Acquire::http::Proxy)"
  [ -z "$proxy" ] || export http_proxy="${http_proxy:-$proxy}"
  # A suite younger than this debootstrap has no script of its own; it is bootstrapped as sid is.
  script=/usr/share/debootstrap/scripts/$suite
  [ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
  say "building a $suite chroot in $final"
  rm -rf --one-file-system "$final.part"
  step "debootstrap $suite" unshare --mount --propagation private \
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$final.part" "$from" "$script"
  root=$final.part
  forbid_services "$root/usr/sbin/policy-rc.d"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  apt_install -o Dpkg::Options::=--force-unsafe-io "${packages[@]}"
  rm -f "$root"/var/cache/apt/archives/*.deb
  mv "$root" "$final"
  root=$final
}

# Adds what is missing to a chroot that was built for fewer daemons.
add_to_chroot() {
  say "installing ${packages[*]} in $root"
  cp -L /etc/resolv.conf "$root/etc/resolv.conf"
  apt_update
  apt_install -o Dpkg::Options::=--force-unsafe-io "${packages[@]}"
  rm -f "$root"/var/cache/apt/archives/*.deb
}

prepare() {
  local log suite
  suite=$(suite_of "$release")
  log=$home/roots/$suite.log
  ! installed || return 0
  mkdir -p "$home/roots"
  exec 9>"$home/lock"
  flock -w 1800 9 || die "somebody else has been installing for half an hour (lock: $home/lock)"
  if ! installed; then
    : >"$log"
    if [ -z "$root" ]; then
      install_on_host "${packages[@]}"
    elif [ -x "$root/usr/bin/ceph-mon" ]; then
      add_to_chroot
    else
      install_in_chroot "$suite"
    fi
    installed || die "Ceph $release could not be installed: ${packages[*]} are not all there (log: $log)"
  fi
  exec 9>&-
}

# ---- daemons --------------------------------------------------------------------------------------------------------

# The pid a file records, if that process is alive and ours: an argument of its command line lies in DIR.
owned() {
  local pid
  pid=$(cat "$1") && [ -n "$pid" ] || return 1
  tr '\0' '\n' <"/proc/$pid/cmdline" | awk -v dir="$dir/" 'index($0 "/", dir) == 1 { found = 1 } END { exit !found }' || return 1
  echo "$pid"
} 2>/dev/null

start_daemon() {
  local name=$1
  owned "$dir/run/$name.pid" >/dev/null && return
  (cd "$dir" && enter "$dir" setsid "ceph-${name%%.*}" -i "${name#*.}" -c "$dir/ceph.conf" -f) \
    </dev/null >>"$dir/log/$name.out" 2>&1 &
  echo $! >"$dir/run/$name.pid"
}

# Stops what the given pid files record: TERM to all, ten seconds (an MDS needs five), then KILL.
stop_pids() {
  local file pid tries
  for file in "$@"; do
    if pid=$(owned "$file"); then kill -TERM "$pid" 2>/dev/null && kill -CONT "$pid" 2>/dev/null || true; fi
  done
  for file in "$@"; do
    for tries in {1..100}; do
      owned "$file" >/dev/null || break
      sleep 0.1
    done
    if pid=$(owned "$file"); then
      say "$(basename "$file" .pid) did not stop in 10 s: killed"
      kill -KILL "$pid" 2>/dev/null || true
    fi
    rm -f "$file"
  done
}

pid_files() { find "$dir/run" -name '*.pid' 2>/dev/null | sort -r; }

# Takes everything down but the process of the pid file given: the caller's own.
take_down() {
  local files=() made path=$dir pattern pid
  # Nobody will miss an MDS, so it is not given the time to say goodbye.
  if pid=$(owned "$dir/run/mds.a.pid"); then kill -KILL "$pid" 2>/dev/null || true; fi
  # OSDs first: one that finds no monitor to sign off with waits five seconds for it.
  for pattern in '/osd[^/]*$' '/'; do
    mapfile -t files < <(pid_files | grep -vxF "${1:-}" | grep "$pattern")
    stop_pids ${files[@]+"${files[@]}"}
  done
  # The empty directories in the chroot that DIR was mounted on.
  made=$(cat "$dir/run/made" 2>/dev/null) || return 0
  while rmdir "$root$path" 2>/dev/null && [ "$path" != "$made" ]; do path=$(dirname "$path"); done
  rm -f "$dir/run/made"
}

# Makes the mount point for DIR and notes the topmost directory that had to be made for it.
make_mount_point() {
  local path=$dir made=
  while [ ! -e "$root$path" ]; do
    made=$path
    path=$(dirname "$path")
  done
  [ -z "$made" ] || echo "$made" >"$dir/run/made"
  mkdir -p "$root$dir"
}

watch_life() {
  mkfifo "$dir/run/life"
  setsid bash "$self" expire --dir "$dir" --life "$life" </dev/null >>"$dir/log/expire.out" 2>&1 &
  echo $! >"$dir/run/expire.pid"
}

# ---- up -------------------------------------------------------------------------------------------------------------

mon_names() { echo a b c | cut -d' ' -f"1-$mons"; }

write_conf() {
  local scope modes=$mode
  [ "$mode" != prefer-secure ] || modes="secure crc"
  {
    echo "[global]"
    echo "fsid = $fsid"
    echo "mon_host = $mon_host"
    for scope in cluster service client; do echo "auth_${scope}_required = $auth"; done
    for scope in cluster service client mon_cluster mon_service mon_client; do echo "ms_${scope}_mode = $modes"; done
    cat <<CONF
auth_allow_insecure_global_id_reclaim = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_ipv4 = true
ms_bind_ipv6 = false
ms_bind_msgr1 = false
ms_bind_msgr2 = true
ms_bind_port_min = $((port + 10))
ms_bind_port_max = $((port + 99))
debug_ms = 1/1
keyring = $dir/keyring
run_dir = $dir/run
crash_dir = $dir/data
log_file = $dir/log/\$name.log
log_to_stderr = false
mon_cluster_log_file = $dir/log/cluster.log
osd_pool_default_size = $((osds > 1 ? 2 : 1))
osd_pool_default_min_size = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
CONF
    for scope in ${sets[@]+"${sets[@]}"}; do echo "$scope"; done
    cat <<CONF
[client]
log_file =
debug_ms = 0/0
[mon]
mon_data = $dir/data/\$name
admin_socket = $dir/run/\$name.asok
keyring = $dir/data/\$name/keyring
mon_data_avail_warn = 2
mon_data_avail_crit = 1
[osd]
osd_data = $dir/data/\$name
admin_socket = $dir/run/\$name.asok
keyring = $dir/data/\$name/keyring
osd_objectstore = memstore
memstore_device_bytes = 1073741824
[mds]
mds_data = $dir/data/\$name
admin_socket = $dir/run/\$name.asok
keyring = $dir/data/\$name/keyring
CONF
  } >"$dir/ceph.conf"
}

# Keys, the first monitor map and empty stores; runs inside the release, so that a chroot is entered once.
# Arguments: DIR RELEASE FSID PORT CIPHER MONS MDS OSD-UUID...
make_stores='
  set -e
  cd "$1"
  release=$2 fsid=$3 port=$4 cipher=$5 mons=$6 mds=$7
  shift 7
  key() { ceph-authtool ${cipher:+--key-type $cipher} -C "$@"; }
  key data/seed --gen-key -n mon. --cap mon "allow *"
  key keyring --gen-key -n client.admin --cap mon "allow *" --cap osd "allow *" --cap mgr "allow *" --cap mds "allow *"
  ceph-authtool data/seed --import-keyring keyring
  n=0
  for uuid; do
    mkdir "data/osd.$n"
    key "data/osd.$n/keyring" --gen-key -n "osd.$n" --cap mon "allow profile osd" --cap osd "allow *"
    ceph-authtool data/seed --import-keyring "data/osd.$n/keyring"
    n=$((n + 1))
  done
  if [ "$mds" = 1 ]; then
    mkdir data/mds.a
    key data/mds.a/keyring --gen-key -n mds.a --cap mon "allow profile mds" --cap osd "allow *" --cap mds "allow"
    ceph-authtool data/seed --import-keyring data/mds.a/keyring
  fi
  addresses= n=0
  for id in $mons; do
    addresses="$addresses --addv $id [v2:127.0.0.1:$((port + n))]"
    n=$((n + 1))
  done
  case $cipher in
    "") ciphers= ;;
    *) ciphers="--auth-service-cipher $cipher --auth-preferred-cipher $cipher --auth-allowed-ciphers $cipher" ;;
  esac
  monmaptool --create --fsid "$fsid" $addresses --set-min-mon-release "$release" $ciphers data/monmap
  for id in $mons; do
    ceph-mon --mkfs -i "$id" -c ceph.conf --monmap data/monmap --keyring data/seed
    [ -s "data/mon.$id/keyring" ] || cp data/seed "data/mon.$id/keyring"
  done
  n=0
  for uuid; do
    ceph-osd --mkfs -i "$n" -c ceph.conf --osd-uuid "$uuid" --monmap data/monmap --no-mon-config
    n=$((n + 1))
  done'

# client SECONDS CMD...: one command of the release; its output in DIR/log/client.out.
client() {
  : >"$dir/log/client.out"
  limited "$dir" "$dir/log/client.out" "$@"
}

# Waits for CMD to succeed while every daemon lives.
await() {
  local what=$1 name
  shift
  until client 15 "$@"; do
    for name in $daemons; do
      if ! owned "$dir/run/$name.pid" >/dev/null; then
        tail -n 12 "$dir/log/$name.out" >&2
        die "$name died (logs: $dir/log)"
      fi
    done
    if [ $SECONDS -ge "$patience" ]; then
      tail -n 5 "$dir/log/client.out" >&2
      die "$what in $patience s (logs: $dir/log)"
    fi
    sleep 0.3
  done
}

up_osds() {
  local n=0 uuid
  for uuid in $uuids; do
    client 30 ceph --connect-timeout 10 osd new "$uuid" "$n" || die "ceph osd new failed: $(tail -n 2 "$dir/log/client.out")"
    start_daemon "osd.$n"
    daemons="$daemons osd.$n"
    n=$((n + 1))
  done
  await "the OSDs are not up" bash -c "ceph --connect-timeout 5 osd stat | grep -q ': $osds up'"
  await "no pool could be made" ceph --connect-timeout 5 osd pool create msgr2 8 8 replicated
  await "the pool got no application" ceph --connect-timeout 5 osd pool application enable msgr2 rados
  await "rados put does not work" rados -p msgr2 put probe "$dir/ceph.conf"
}

up_mds() {
  local pool
  for pool in fs.metadata fs.data; do
    await "no pool could be made" ceph --connect-timeout 5 osd pool create "$pool" 8 8 replicated
  done
  await "no file system could be made" ceph --connect-timeout 5 fs new msgr2 fs.metadata fs.data
  start_daemon mds.a
  daemons="$daemons mds.a"
  await "the MDS is not active" bash -c "ceph --connect-timeout 5 mds stat | grep -q 'a=up:active'"
}

free_port() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

up() {
  local n name uuids=
  [ -n "$port" ] || die "up needs --port"
  [ ${#dir} -le 80 ] || die "DIR is too long for the daemons' sockets (80 characters at most): $dir"
  [ "$mds" = 0 ] || [ "$osds" -gt 0 ] || die "--mds 1 needs an OSD to write to: --osds 1"
  [ "$auth.$mode" != none.secure ] || die "auth none has no key for secure mode; Ceph refuses it too (prefer-secure falls back to crc)"
  if [ -e "$dir/info" ]; then
    for name in $(pid_files); do ! owned "$name" >/dev/null || die "a cluster is up in $dir: take it down first"; done
    rm -rf --one-file-system "${dir:?}/data" "$dir/run" "$dir/log" "$dir/info" "$dir/keyring" "$dir/ceph.conf"
  elif [ -n "$(ls -A "$dir" 2>/dev/null)" ]; then
    die "$dir is not empty and no cluster of ours"
  fi
  for ((n = 0; n < mons; n++)); do free_port $((port + n)) || die "port $((port + n)) is in use"; done
  prepare
  SECONDS=0
  mkdir -p "$dir"/{data,run,log}
  [ -z "$root" ] || make_mount_point
  fsid=$(cat /proc/sys/kernel/random/uuid)
  mon_host=
  for ((n = 0; n < mons; n++)); do mon_host+="${mon_host:+,}[v2:127.0.0.1:$((port + n))]"; done
  for ((n = 0; n < osds; n++)); do uuids+=" $(cat /proc/sys/kernel/random/uuid)"; done
  printf '%s\n' "release=$release" "auth=$auth" "mode=$mode" "fsid=$fsid" "mon_host=$mon_host" "conf=$dir/ceph.conf" \
    "keyring=$dir/keyring" >"$dir/info"
  write_conf
  raising=yes
  # shellcheck disable=SC2086
  client 120 bash -c "$make_stores" bash "$dir" "$release" "$fsid" "$port" "$cipher" "$(mon_names)" "$mds" $uuids || {
    tail -n 8 "$dir/log/client.out" >&2
    die "the stores could not be made (logs: $dir/log)"
  }
  watch_life
  daemons=
  for n in $(mon_names); do
    start_daemon "mon.$n"
    daemons="$daemons mon.$n"
  done
  await "the monitors do not answer" ceph --connect-timeout 5 -s
  [ "$osds" = 0 ] || up_osds
  [ "$mds" = 0 ] || up_mds
  raising=
}

info() {
  local file name pid
  cat "$dir/info"
  for file in $(pid_files); do
    name=$(basename "$file" .pid)
    [ "$name" = expire ] || echo "$name.pid=$(owned "$file" || true)"
  done
}

# ---- command line ---------------------------------------------------------------------------------------------------

command=${1:-help}
shift || true
release='' auth=cephx mode=crc dir='' port='' mons=1 osds=0 mds=0 cipher='' life=3600 name='' sets=() rest=() patience=120
while [ $# -gt 0 ]; do
  option=$1
  shift
  if [ "$option" = -- ]; then
    rest=("$@")
    break
  fi
  [ $# -gt 0 ] || die "$option needs a value"
  case $option in
    --release) release=$1 ;; --auth) auth=$1 ;; --mode) mode=$1 ;; --dir) dir=$1 ;; --port) port=$1 ;; --mons) mons=$1 ;;
    --osds) osds=$1 ;; --mds) mds=$1 ;; --cipher) cipher=$1 ;; --life) life=$1 ;; --name) name=$1 ;; --set) sets+=("$1") ;;
    *) die "unknown option $option" ;;
  esac
  shift
done
one_of() {
  local option=$1 value=$2 word
  shift 2
  for word; do [ "$word" != "$value" ] || return 0; done
  die "$option is one of $*, not '$value'"
}
one_of --auth "$auth" cephx none
one_of --mode "$mode" crc secure prefer-secure
one_of --mons "$mons" 1 3
one_of --osds "$osds" 0 1 2
one_of --mds "$mds" 0 1
[ "$mds" = 0 ] || packages+=(ceph-mds)
[[ $port =~ ^[0-9]*$ && $life =~ ^[0-9]+$ ]] || die "--port and --life are numbers"
[ -z "$port" ] || { [ "$port" -ge 1024 ] && [ "$port" -le 65400 ]; } || die "--port is between 1024 and 65400, not $port"
self=$(readlink -f "${BASH_SOURCE[0]}")

case $command in
  prepare | up) [ -n "$release" ] || die "$command needs --release" ;;
  down | info | exec | stop | start | expire) ;;
  help | -h | --help)
    sed -n '3,/^set /{/^set /d;s/^# \{0,1\}//p}' "$self"
    exit
    ;;
  *) die "unknown command '$command' (help tells them all)" ;;
esac
if [ "$command" != prepare ]; then
  [ -n "$dir" ] || die "$command needs --dir"
  dir=$(realpath -ms -- "$dir")
  [ "$dir" != / ] || die "--dir / is no place for a cluster"
fi
[ "$(id -u)" = 0 ] || die "needs root, to install Ceph and to enter a chroot"
[ "$(. /etc/os-release 2>/dev/null && echo "${ID:-}")" = debian ] || die "needs Debian: Ceph is taken from its suites"

if [ "$command" != prepare ] && [ "$command" != up ]; then
  if [ ! -e "$dir/info" ]; then
    [ "$command" = down ] || die "there is no cluster in $dir"
    exit 0
  fi
  release=$(sed -n 's/^release=//p' "$dir/info")
fi
choose_root "$release"
if [ "$release" = 20 ]; then
  cipher=${cipher:-aes}
  one_of --cipher "$cipher" aes aes256k
else
  [ -z "$cipher" ] || die "--cipher is for release 20"
fi

case $command in
  prepare)
    prepare
    (enter "" ceph --version) || die "Ceph $release is installed but does not run"
    ;;
  up)
    up
    info
    ;;
  info) info ;;
  exec)
    [ ${#rest[@]} -gt 0 ] || die "exec needs a command after --"
    enter "$dir" "${rest[@]}"
    ;;
  stop | start)
    [ -n "$name" ] && [ -d "$dir/data/$name" ] || die "there is no daemon '$name' in $dir"
    if [ "$command" = stop ]; then stop_pids "$dir/run/$name.pid"; else start_daemon "$name"; fi
    ;;
  down) take_down ;;
  expire)
    # Sleeps without a child: nobody ever writes to the pipe, and an untrapped TERM ends the read.
    trap - EXIT INT TERM HUP
    exec 8<>"$dir/run/life"
    while [ "$SECONDS" -lt "$life" ]; do
      read -rt 2 -u 8 || true
      [ -e "$dir/info" ] || exit 0 # DIR was deleted; daemons end by themselves when their stores vanish
    done
    say "the cluster in $dir lived for $life s: taking it down"
    take_down "$dir/run/expire.pid"
    rm -f "$dir/run/expire.pid"
    ;;
esac
