# shellcheck shell=bash
# What is told: sentences, the tail of a log, the table, the file of variables.

LOG_TAIL=25

say() { echo "services: $1" >&2; }

# Says one sentence a line and ends the run.
die() {
    local sentence
    for sentence in "$@"; do
        say "$sentence"
    done
    exit 1
}

die_with_log() {
    say "$1; the end of ${2#"$ROOT"/}:"
    tail -n "$LOG_TAIL" "$2" 2>/dev/null | sed 's/^/    /' >&2
    exit 1
}

wrong_use() {
    say "$1"
    usage >&2
    exit 2
}

# Prints the state of process $1: up, paused, starting (there, but without an answer), dead (ended by itself or killed)
# or down.
state_of() {
    if ! find_process "$1"; then
        if [[ -e $(pid_file "$1") ]]; then echo dead; else echo down; fi
    elif [[ $STAT_STATE == T ]]; then
        echo paused
    elif answers "$1"; then
        echo up
    else
        echo starting
    fi
}

# Prints the URL of process $1 with the password hidden.
shown_url() {
    case $1 in
        mysql) mysql_url '***' ;;
        redis) redis_url '***' ;;
        redis-cluster-*) echo "redis://default:***@127.0.0.1:$(port_of "$1")" ;;
        kafka) kafka_url ;;
    esac
}

# Prints the table; fails if not everything is up.
show_status() {
    local service name state url status=0
    printf '%-16s %-9s %-8s %s\n' NAME STATE PID URL
    for service in "${SERVICES[@]}"; do
        for name in $(processes_of "$service"); do
            state=$(state_of "$name")
            find_process "$name" || PID=-
            url=-
            [[ -z $(port_of "$name") ]] || url=$(shown_url "$name")
            printf '%-16s %-9s %-8s %s\n' "$name" "$state" "$PID" "$url"
            [[ $state == up ]] || status=1
        done
    done
    return "$status"
}

# Prints the variables of service $1.
variables_of() {
    local name
    case $1 in
        mysql) echo "FLOODGATE_TEST_MYSQL_URL=$(mysql_url)" ;;
        redis) echo "FLOODGATE_TEST_REDIS_URL=$(redis_url)" ;;
        redis-cluster) echo "FLOODGATE_TEST_REDIS_CLUSTER_URL=$(cluster_url)" ;;
        kafka) echo "FLOODGATE_TEST_KAFKA_URL=$(kafka_url)" ;;
    esac
    [[ $MODE == native ]] || return 0
    for name in $(processes_of "$1"); do
        if find_process "$name"; then
            name=${name//-/_}
            echo "FLOODGATE_TEST_${name^^}_PID=$PID"
        fi
    done
}

# Writes down that services have been brought up.
note_brought_up() {
    local service
    for service in "$@"; do
        grep -qx "$service" "$DIR/brought-up" 2>/dev/null || echo "$service" >>"$DIR/brought-up"
    done
}

# Writes the variables of everything that has been brought up. It holds the passwords, so it is its owner's alone.
write_env() {
    local service
    for service in "${SERVICES[@]}"; do
        grep -qx "$service" "$DIR/brought-up" 2>/dev/null || continue
        variables_of "$service"
    done >"$DIR/env.new"
    mv "$DIR/env.new" "$DIR/env"
}
