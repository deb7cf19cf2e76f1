# The service by itself: `docker build -t floodgate .`, then
# `docker run -p 127.0.0.1:8080:8080 -v floodgate:/var/lib/floodgate floodgate`.
# Needs BuildKit, which docker has by default since version 23.

FROM rust:1.95-bookworm AS build
WORKDIR /src
COPY . .
# What is downloaded and what is built stays in caches between builds, so a change to the source builds the source only.
# The program is copied out of the cache, which is not there in later steps.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin floodgate && \
    cp target/release/floodgate /usr/local/bin/floodgate

FROM debian:bookworm-slim
# Certificates, for TLS to a store or a ledger elsewhere, and what Kafka's messages are packed with: the newest there are,
# so no version is written down.
# hadolint ignore=DL3008
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates zlib1g && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin floodgate && \
    install -d -o floodgate -g floodgate -m 0700 /var/lib/floodgate
COPY --from=build /usr/local/bin/floodgate /usr/local/bin/floodgate
USER 10001:10001
WORKDIR /var/lib/floodgate
ENV FLOODGATE_SERVER__LISTEN=0.0.0.0:8080 \
    FLOODGATE_DATA__DIR=/var/lib/floodgate
VOLUME /var/lib/floodgate
EXPOSE 8080
# There is no curl here, and bash can open a connection by itself.
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r status <&3 && [[ $status == *' 200 '* ]]"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["floodgate"]
CMD ["serve"]
