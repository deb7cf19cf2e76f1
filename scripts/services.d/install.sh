# shellcheck shell=bash
# What the services need on this machine: installed if that may be done, named exactly if not.

INSTALL_SECONDS=900
JAVA_OLDEST=17

# Prints a line "program package" for each program that service $1 needs; the packages are Debian's.
programs_of() {
    case $1 in
        mysql)
            echo "mariadbd mariadb-server-core"
            echo "mariadb-install-db mariadb-server-core"
            echo "mariadb mariadb-client-core"
            ;;
        redis | redis-cluster)
            echo "redis-server redis-server"
            echo "redis-cli redis-tools"
            ;;
        kafka)
            echo "java default-jre-headless"
            kafka_is_cached || echo "mvn maven"
            ;;
    esac
}

# Prints a line "program package" for each program that is missing.
missing_programs() {
    local service program package
    for service in "$@"; do
        while read -r program package; do
            command -v "$program" >/dev/null || echo "$program $package"
        done < <(programs_of "$service")
    done
}

may_install() { [[ $INSTALL != no && $EUID == 0 ]] && command -v apt-get >/dev/null; }

apt() {
    # In a group of its own and never cut short by a signal to this run: half an installation is worse than a late end.
    DEBIAN_FRONTEND=noninteractive timeout --kill-after=30 "$INSTALL_SECONDS" \
        apt-get -q -y -o DPkg::Lock::Timeout=120 "$@" </dev/null >>"$DIR/log/install.log" 2>&1 9>&-
}

# Makes sure that everything the services need is there.
need_programs() {
    local missing programs packages
    missing=$(missing_programs "$@" | sort -u)
    if [[ -n $missing ]]; then
        programs=$(cut -d' ' -f1 <<<"$missing" | sort -u | paste -sd' ')
        packages=$(cut -d' ' -f2 <<<"$missing" | sort -u | paste -sd' ')
        may_install || die "missing: $programs" "install them, on Debian and its kin: sudo apt-get install $packages" \
            "run by root where apt-get is, this installs them by itself (unless FLOODGATE_SERVICES_INSTALL=no)"
        say "installing $packages"
        : >"$DIR/log/install.log"
        # shellcheck disable=SC2086 # one word per package
        apt install --no-install-recommends $packages ||
            { apt update && apt install --no-install-recommends $packages; } ||
            die_with_log "apt-get could not install $packages" "$DIR/log/install.log"
        missing=$(missing_programs "$@")
        [[ -z $missing ]] || die "still missing after the installation: $(cut -d' ' -f1 <<<"$missing" | paste -sd' ')"
    fi
    [[ " $* " != *" kafka "* ]] || check_java
}

check_java() {
    local version major
    version=$(java -version 2>&1 | sed -n 's/.* version "\([^"]*\)".*/\1/p' | head -n 1)
    # 1.8.0_412 is Java 8.
    major=${version#1.} major=${major%%[!0-9]*}
    ((${major:-0} >= JAVA_OLDEST)) || die "kafka needs java $JAVA_OLDEST or newer, and this is ${version:-unknown}" \
        "install one, on Debian and its kin: sudo apt-get install default-jre-headless"
}
