# shellcheck shell=bash
# MariaDB, standing in for MySQL 8: the same protocol, and settings that bring it as near as they can.

mysql_data() { echo "$DIR/data/mysql"; }

mysql_configure() {
    local port password
    port=$(port_of mysql) password=$(secret)
    cat >"$DIR/etc/mysql.cnf" <<CONFIG
[mysqld]
datadir=$(mysql_data)
# Below the data directory, where the server stands: a whole path may be longer than a socket's may.
socket=mysql.sock
pid-file=mysql.pid
# A server that starts takes away what it finds in there, also from others that are at work.
tmpdir=$DIR/tmp
bind-address=127.0.0.1
port=$port
skip-name-resolve
init-file=$DIR/etc/mysql-init.sql
# An acknowledged commit survives a crash of the machine.
innodb_flush_log_at_trx_commit=1
sync_binlog=1
# As MySQL 8 has it by default; MariaDB has not.
log_bin=binlog
binlog_format=ROW
server_id=1
sql_mode=ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION
character-set-server=utf8mb4
# Tests leave no more behind than they have to.
binlog_expire_logs_seconds=86400
max_binlog_size=64M
innodb_buffer_pool_size=256M
max_connections=500
innodb_print_all_deadlocks=1
CONFIG
    # Run at every start, so a statement may find its work done.
    cat >"$DIR/etc/mysql-init.sql" <<SQL
DROP USER IF EXISTS ''@'localhost';
CREATE DATABASE IF NOT EXISTS floodgate CHARACTER SET utf8mb4;
CREATE USER IF NOT EXISTS 'floodgate'@'%' IDENTIFIED BY '$password';
ALTER USER 'floodgate'@'%' IDENTIFIED BY '$password';
GRANT ALL ON \`floodgate%\`.* TO 'floodgate'@'%';
GRANT PROCESS, CONNECTION ADMIN ON *.* TO 'floodgate'@'%';
SQL
    cat >"$DIR/etc/mysql-client.cnf" <<CONFIG
[client]
host=127.0.0.1
protocol=tcp
port=$port
user=floodgate
password=$password
connect-timeout=2
CONFIG
}

# Makes the data directory; one that was not finished is made anew.
mysql_make() {
    local data log as_root=()
    # Root has to say that it means it; whoever else runs this cannot become another.
    ((EUID)) || as_root=(--user=root)
    data=$(mysql_data) log=$DIR/log/mysql-install.log
    [[ ! -e $data.made ]] || return 0
    rm -rf "$data"
    mkdir -p "$data"
    : >"$log"
    bounded 120 "$log" mariadb-install-db --no-defaults --datadir="$data" --tmpdir="$DIR/tmp" --skip-test-db \
        "${as_root[@]}" --auth-root-authentication-method=socket --auth-root-socket-user="$(id -un)" ||
        die_with_log "the database directory could not be made" "$log"
    touch "$data.made"
}

mysql_launch() {
    local as_root=()
    ((EUID)) || as_root=(--user=root)
    mysql_make
    mysql_configure
    spawn mysql mariadbd --defaults-file="$DIR/etc/mysql.cnf" "${as_root[@]}"
}

mysql_answers() {
    timeout 5 mariadb --defaults-file="$DIR/etc/mysql-client.cnf" -e 'SELECT 1' floodgate >/dev/null 2>&1 </dev/null 9>&-
}

mysql_url() { echo "mysql://floodgate:${1-$(secret)}@127.0.0.1:$(port_of mysql)/floodgate"; }
