-- What the user of tests may do in the MySQL of docker-compose.yml: make databases beside its own, end connections.
GRANT ALL ON `floodgate%`.* TO 'floodgate'@'%';
GRANT PROCESS, CONNECTION_ADMIN ON *.* TO 'floodgate'@'%';
