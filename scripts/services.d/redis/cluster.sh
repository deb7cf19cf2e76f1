#!/bin/sh
# Runs a Redis Cluster of one node per port of $PORTS in this container, with the password $REDISCLI_AUTH.
# Nodes leave what they know in $DATA, so a container that comes back finds its cluster made.
set -eu

data=${DATA:-/data}
nodes=
for port in $PORTS; do
    mkdir -p "$data/$port"
    redis-server --port "$port" --dir "$data/$port" --requirepass "$REDISCLI_AUTH" --appendonly yes \
        --appendfsync everysec --save '' --maxmemory 128mb --maxmemory-policy noeviction --cluster-enabled yes \
        --cluster-announce-ip 127.0.0.1 --cluster-node-timeout 2000 &
    nodes="$nodes $!"
done

stop() {
    # shellcheck disable=SC2086 # one word per pid
    kill $nodes 2>/dev/null || true
    wait
    exit "$1"
}
trap 'stop 0' TERM INT

for port in $PORTS; do
    tries=0
    until [ "$(redis-cli -p "$port" ping 2>/dev/null)" = PONG ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 150 ] || { echo "node $port does not answer after 30 s" >&2; stop 1; }
        sleep 0.2
    done
done

first=${PORTS%% *}
if ! redis-cli -p "$first" cluster info | grep -q cluster_slots_assigned:16384; then
    addresses=
    for port in $PORTS; do
        addresses="$addresses 127.0.0.1:$port"
    done
    # shellcheck disable=SC2086 # one word per address
    redis-cli --cluster create $addresses --cluster-replicas 0 --cluster-yes
fi
# One that ends takes the container with it.
while :; do
    for node in $nodes; do
        kill -0 "$node" 2>/dev/null || { echo "a node has ended" >&2; stop 1; }
    done
    sleep 1
done
