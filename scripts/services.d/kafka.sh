# shellcheck shell=bash
# Apache Kafka: one node that is broker and controller (KRaft), from the jars that kafka/pom.xml names.

KAFKA_HERE=$HERE/services.d/kafka

# The jars are shared by all directories of this user, under the checksum of what names them.
kafka_jars() { echo "$CACHE/kafka-$(cksum <"$KAFKA_HERE/pom.xml" | cut -d' ' -f1)"; }

kafka_is_cached() { [[ -d $(kafka_jars) ]]; }

kafka_fetch() {
    local jars fetched log=$DIR/log/kafka-fetch.log
    jars=$(kafka_jars)
    ! kafka_is_cached || return 0
    say "fetching kafka's jars"
    mkdir -p "$CACHE"
    # Moved to their place when all of them are there.
    fetched=$(mktemp -d "$CACHE/fetching.XXXXXX")
    : >"$log"
    # Java goes by the list of users; in a container there may be none, or another home.
    [[ -z ${HOME:-} ]] || export MAVEN_OPTS="${MAVEN_OPTS:-} -Duser.home=$HOME"
    if ! bounded 600 "$log" mvn -q -B -f "$KAFKA_HERE/pom.xml" dependency:copy-dependencies \
        -DoutputDirectory="$fetched" -DincludeScope=runtime; then
        rm -rf "$fetched"
        die_with_log "maven could not fetch kafka's jars" "$log"
    fi
    # Another run may have been quicker.
    mv -T "$fetched" "$jars" 2>/dev/null || { rm -rf "$fetched"; kafka_is_cached || die "no place for jars in $CACHE"; }
}

kafka_configure() {
    local port controller
    port=$(port_of kafka) controller=$(port_of kafka-controller)
    cat >"$DIR/etc/kafka.properties" <<CONFIG
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$DIR/data/kafka
# Topics are made on purpose, with the partitions they need, or not at all.
auto.create.topics.enable=false
# There is one node.
default.replication.factor=1
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Fewer partitions of its own are sooner loaded after a crash.
offsets.topic.num.partitions=8
transaction.state.log.num.partitions=8
share.coordinator.state.topic.num.partitions=8
# A group's first member is served at once.
group.initial.rebalance.delay.ms=0
# A killed broker serves again some 5 s after its restart instead of 12.
broker.session.timeout.ms=2000
broker.heartbeat.interval.ms=500
log.cleaner.dedupe.buffer.size=16777216
CONFIG
}

# Formats the data directory; one that was not finished is made anew.
kafka_make() {
    local data=$DIR/data/kafka log=$DIR/log/kafka-format.log id
    [[ ! -e $data.made ]] || return 0
    rm -rf "$data"
    mkdir -p "$data"
    # An id is 16 bytes in base64 for URLs; one that begins with a dash would be taken for an option.
    id=A$(head -c 16 /dev/urandom | base64 | tr '+/' '-_' | cut -c2-22)
    : >"$log"
    bounded 60 "$log" java -cp "$(kafka_jars)/*" kafka.tools.StorageTool format -t "$id" -c "$DIR/etc/kafka.properties" ||
        die_with_log "kafka's data directory could not be made" "$log"
    touch "$data.made"
}

kafka_launch() {
    kafka_fetch
    kafka_configure
    kafka_make
    spawn kafka java -Xmx512m -XX:+ExitOnOutOfMemoryError "-Dlog4j2.configurationFile=$KAFKA_HERE/log4j2.xml" \
        -cp "$(kafka_jars)/*" kafka.Kafka "$DIR/etc/kafka.properties"
}

# The port is open before the broker is let in by its controller; after that it writes this line.
kafka_answers() {
    grep -q 'Kafka Server started' "$(log_file kafka)" 2>/dev/null && port_answers "$(port_of kafka)"
}

kafka_url() { echo "kafka://127.0.0.1:$(port_of kafka)"; }
