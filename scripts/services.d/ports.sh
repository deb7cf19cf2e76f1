# shellcheck shell=bash
# Ports: free ones, chosen once and written down, so that a service comes back where its clients look for it.

PORT_FIRST=20000
# Below the range from which systems take the ports of outgoing connections.
PORT_COUNT=12000

# Whether somebody listens on port $1 of this machine.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null 9>&-; }

# Prints the port written down under name $1, or nothing.
port_of() {
    local name port
    [[ -e $DIR/ports ]] || return 0
    while read -r name port; do
        [[ $name != "$1" ]] || echo "$port"
    done <"$DIR/ports"
}

# Chooses a port for name $1 and writes it down in place of what was there.
choose_port() {
    local port tries
    for ((tries = 0; tries < 200; tries++)); do
        port=$((PORT_FIRST + SRANDOM % PORT_COUNT))
        if ! grep -q " $port\$" "$DIR/ports" 2>/dev/null && ! port_answers "$port"; then
            { grep -v "^$1 " "$DIR/ports" 2>/dev/null || true; echo "$1 $port"; } >"$DIR/ports.new"
            mv "$DIR/ports.new" "$DIR/ports"
            return
        fi
    done
    die "no free port found between $PORT_FIRST and $((PORT_FIRST + PORT_COUNT))"
}

# Makes sure that each name has a port that nobody else has taken; fails if one had to be chosen anew.
settle_ports() {
    local name port status=0
    for name in "$@"; do
        port=$(port_of "$name")
        if [[ -z $port ]] || port_answers "$port"; then
            choose_port "$name"
            status=1
        fi
    done
    return "$status"
}
