# shellcheck shell=bash
# Processes: started in a session of their own, and known afterwards by pid and start time, never by name.
#
# A pid file holds "PID START BOOT". A pid alone may belong to another program by now; with the time at which the kernel
# started it, and the boot that this time counts from, it cannot. The process writes the file itself before it becomes
# the service, so there is no moment at which a service runs that nobody knows of.

# What this run has started, to be stopped again if the run does not get to its end.
STARTED=()
declare -A SPAWNED=()
# The helper that this run waits for.
HELPER=

pid_file() { echo "$DIR/run/$1.pid"; }
log_file() { echo "$DIR/log/$1.log"; }

boot_id() { cat /proc/sys/kernel/random/boot_id; }

# Sets STAT_STATE, STAT_THREADS and STAT_START of pid $1; fails if there is no such process.
read_stat() {
    local line fields
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    # The name in the second field may hold spaces and brackets, so fields count from its end.
    read -r -a fields <<<"${line##*) }"
    STAT_STATE=${fields[0]} STAT_THREADS=${fields[17]} STAT_START=${fields[19]}
}

# Sets PID and STAT_STATE of process $1 of ours; fails, with PID empty, if it does not run.
find_process() {
    local start boot
    PID=
    { read -r PID start boot <"$(pid_file "$1")"; } 2>/dev/null || { PID=; return 1; }
    if [[ $boot == "$(boot_id)" ]] && read_stat "$PID" && [[ $STAT_START == "$start" ]] && ! is_spent; then
        return 0
    fi
    PID=
    return 1
}

# Whether what read_stat has read is a process that has ended and that only its parent has yet to hear of. As long as one
# of its threads has not ended, its ports and files are still taken.
is_spent() { [[ $STAT_STATE == [ZX] ]] && ((STAT_THREADS <= 1)); }

is_paused() { find_process "$1" && [[ $STAT_STATE == T ]]; }

# Starts the command after $1 as process $1, with a log of its own; the log before it is kept as .log.1.
spawn() {
    local name=$1 file log
    shift
    file=$(pid_file "$name") log=$(log_file "$name")
    rm -f "$file"
    [[ ! -e $log ]] || mv -f "$log" "$log.1"
    STARTED+=("$name")
    (
        # The lock of this run is not the service's to hold.
        exec 9>&-
        cd "$DIR" || exit
        read_stat "$BASHPID"
        echo "$BASHPID $STAT_START $(boot_id)" >"$file.new"
        mv "$file.new" "$file"
        exec setsid "$@"
    ) </dev/null >"$log" 2>&1 &
    SPAWNED[$name]=$!
    wait_until 10 test -s "$file" || die "$name has not started"
}

# Runs the command after $1 again and again until it succeeds; fails after $1 seconds.
wait_until() {
    local until=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < until)) || return 1
        sleep 0.1
    done
}

# Runs the command after $1 and $2 to its end, for at most $1 seconds, its output going to file $2. It runs beside us and
# is waited for, so that a signal to this run is heard at once and ends the helper too. It keeps the lock: if this run is
# killed, the next one does not begin before the helper has ended.
bounded() {
    local seconds=$1 log=$2 status=0
    shift 2
    timeout --kill-after=5 "$seconds" "$@" </dev/null >>"$log" 2>&1 &
    HELPER=$!
    wait "$HELPER" || status=$?
    ((status == 0)) || end_helper
    HELPER=
    return "$status"
}

# Ends the helper and whatever it has started: timeout leads a group of its own, and its members may not hear TERM.
end_helper() {
    kill -KILL -- "-$HELPER" 2>/dev/null || kill -KILL "$HELPER" 2>/dev/null || true
    wait "$HELPER" 2>/dev/null || true
}

is_gone() { ! find_process "$1"; }

# Ends processes: asks all of them, then waits for each, then kills what is still there.
stop_processes() {
    local name
    for name in "$@"; do
        if find_process "$name"; then
            kill -TERM "$PID" 2>/dev/null || true
            # One that is paused cannot hear.
            kill -CONT "$PID" 2>/dev/null || true
        fi
    done
    for name in "$@"; do
        if ! wait_until "$STOP_SECONDS" is_gone "$name"; then
            say "$name has not ended in $STOP_SECONDS s and is killed"
            kill_process "$name"
        fi
        rm -f "$(pid_file "$name")"
    done
}

# Ends process $1 as a crash does.
kill_process() {
    find_process "$1" || return 0
    kill -KILL "$PID" 2>/dev/null || true
    wait_until "$KILL_SECONDS" is_gone "$1" || die "$1 (pid $PID) is still there $KILL_SECONDS s after kill -9"
}

# Called at the end of every run: whatever the run has started goes, unless the run got to its end.
clean_up() {
    local status=$? name
    trap '' INT TERM HUP
    trap - EXIT
    [[ -z $HELPER ]] || end_helper
    if [[ -z $KEEP_STARTED ]] && ((${#STARTED[@]})); then
        say "stopping what was started: ${STARTED[*]}"
        for name in "${STARTED[@]}"; do
            # One that was interrupted before it could write its pid file is still our child.
            find_process "$name" || [[ -z ${SPAWNED[$name]:-} ]] || kill -KILL "${SPAWNED[$name]}" 2>/dev/null || true
        done
        stop_processes "${STARTED[@]}"
    fi
    exit "$status"
}

trap_signals() {
    trap clean_up EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}
