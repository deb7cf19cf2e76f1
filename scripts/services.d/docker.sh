# shellcheck shell=bash
# The same services from docker-compose.yml, for who asks for them and has an engine.
#
# NOT TRIED AGAINST AN ENGINE: none was to be had where this was written. What could be checked without one is listed in
# docs/services.md.

DOCKER_SECONDS=240

# Runs docker compose on this directory's own project, ports and password.
compose() {
    local name project
    project=floodgate-$(cksum <<<"$DIR" | cut -d' ' -f1)
    (
        exec 9>&-
        for name in mysql redis redis-cluster-1 redis-cluster-2 redis-cluster-3 kafka; do
            name=${name//-/_}
            export "${name^^}_PORT=$(port_of "${name//_/-}")"
        done
        MYSQL_PASSWORD=$(secret) REDIS_PASSWORD=$(secret)
        export MYSQL_PASSWORD REDIS_PASSWORD
        exec docker compose -p "$project" -f "$ROOT/docker-compose.yml" --profile test "$@"
    )
}

need_docker() {
    command -v docker >/dev/null || die "docker was asked for, and there is no docker here: install it, or go without it"
    timeout 20 docker info >/dev/null 2>&1 9>&- ||
        die "docker was asked for, and no engine answers (docker info): start one, or go without it"
    docker compose version >/dev/null 2>&1 9>&- ||
        die "docker was asked for, and it has no compose: install the docker-compose-plugin package, or go without it"
}

# Chooses ports when this directory begins to use docker; fails if its services run without.
docker_begin() {
    local name service
    for service in "${SERVICES[@]}"; do
        for name in $(processes_of "$service"); do
            ! find_process "$name" || die "$name runs without docker: scripts/services down, then try again"
        done
    done
    for name in mysql redis "${CLUSTER_NODES[@]}" kafka; do
        # Also a port that was written down is looked at again: nobody may have it now.
        settle_ports "$name" || true
    done
}

docker_up() {
    local name known
    need_docker
    [[ $MODE == docker ]] || docker_begin
    known=$(compose config --services) || die "docker cannot read docker-compose.yml"
    for name in "$@"; do
        grep -qx "$name" <<<"$known" || die "docker-compose.yml has no service $name"
    done
    MODE=docker
    # Before anything is started, so that `down` knows where to look whatever happens now.
    echo docker >"$DIR/mode"
    if ! compose up --detach --wait --wait-timeout "$DOCKER_SECONDS" "$@" >&2; then
        compose logs --tail "$LOG_TAIL" "$@" >&2 || true
        compose rm --stop --force "$@" >&2 || true
        [[ -s $DIR/brought-up ]] || { compose down >&2 && rm -f "$DIR/mode"; }
        die "docker has not brought them up within $DOCKER_SECONDS s: $*"
    fi
    note_brought_up "$@"
    write_env
    compose ps
    echo "variables: ${DIR#"$PWD"/}/env"
}

docker_down() {
    if [[ -n $1 ]]; then compose down --volumes >&2; else compose down >&2; fi
}

# Prints compose's table; fails if not everything runs.
docker_status() {
    local running name status=0
    compose ps --all
    running=$(compose ps --services --filter status=running)
    for name in "${SERVICES[@]}"; do
        grep -qx "$name" <<<"$running" || status=1
    done
    return "$status"
}

# Does command $1 to service $2; the three nodes of the cluster are one container.
docker_act() {
    [[ $2 != redis-cluster-* ]] || die "with docker, the cluster is one container: say redis-cluster"
    case $1 in
        kill) compose kill --signal KILL "$2" ;;
        pause) compose pause "$2" ;;
        resume) compose unpause "$2" ;;
        start) compose up --detach --wait --wait-timeout "$DOCKER_SECONDS" --no-deps "$2" ;;
    esac
}
