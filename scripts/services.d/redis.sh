# shellcheck shell=bash
# Redis: one server by itself, and a cluster of three that share the slots and have no replicas.

CLUSTER_NODES=(redis-cluster-1 redis-cluster-2 redis-cluster-3)

redis_configure() {
    local name=$1
    mkdir -p "$DIR/data/$name"
    cat >"$DIR/etc/$name.conf" <<CONFIG
bind 127.0.0.1
port $(port_of "$name")
requirepass $(secret)
dir "$DIR/data/$name"
daemonize no
logfile ""
# What was acknowledged a second ago survives a crash; snapshots alone would lose minutes.
appendonly yes
appendfsync everysec
save ""
maxmemory 128mb
# A key that goes by itself would look like a lost ledger.
maxmemory-policy noeviction
CONFIG
    [[ $name == redis ]] || cat >>"$DIR/etc/$name.conf" <<CONFIG
cluster-enabled yes
cluster-config-file nodes.conf
cluster-port $(port_of "$name-bus")
cluster-announce-ip 127.0.0.1
cluster-node-timeout 2000
CONFIG
}

redis_launch() {
    redis_configure "$1"
    spawn "$1" redis-server "$DIR/etc/$1.conf"
}

# Sends a command to process $1, without its password on the command line, where others could read it.
redis_ask() {
    local port
    port=$(port_of "$1")
    shift
    REDISCLI_AUTH=$(secret) timeout 5 redis-cli -h 127.0.0.1 -p "$port" "$@" 2>/dev/null </dev/null 9>&-
}

redis_answers() { [[ $(redis_ask "$1" PING) == PONG ]]; }

# With the name of the user that there always is: redis-cli 7.0 takes an empty one for a name.
redis_url() { echo "redis://default:${1-$(secret)}@127.0.0.1:$(port_of redis)/0"; }

# Nodes remember each other by port and a half-made cluster cannot be made again: both begin anew.
cluster_forget() {
    local name
    rm -f "$DIR/data/redis-cluster.made"
    for name in "${CLUSTER_NODES[@]}"; do
        rm -rf "${DIR:?}/data/$name"
    done
}

# Joins the three nodes, once in the life of their data.
cluster_join() {
    local name addresses=() log=$DIR/log/redis-cluster-create.log
    [[ ! -e $DIR/data/redis-cluster.made ]] || return 0
    for name in "${CLUSTER_NODES[@]}"; do
        addresses+=("127.0.0.1:$(port_of "$name")")
    done
    : >"$log"
    REDISCLI_AUTH=$(secret) bounded "$CLUSTER_SECONDS" "$log" \
        redis-cli --cluster create "${addresses[@]}" --cluster-replicas 0 --cluster-yes ||
        die_with_log "the redis cluster could not be made" "$log"
    touch "$DIR/data/redis-cluster.made"
}

# Whether node $1 knows all three and serves.
cluster_answers() {
    local info
    info=$(redis_ask "$1" CLUSTER INFO) || return 1
    [[ $info == *cluster_state:ok* && $info == *cluster_known_nodes:3* ]]
}

# All three nodes, so that a client gets in whichever of them is down.
cluster_url() {
    local name nodes=()
    for name in "${CLUSTER_NODES[@]}"; do
        nodes+=("127.0.0.1:$(port_of "$name")")
    done
    local IFS=,
    echo "redis+cluster://default:${1-$(secret)}@${nodes[*]}"
}
