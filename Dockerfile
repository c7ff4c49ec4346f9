# docker build --tag tripgraph .

# As in rust-toolchain.toml, which is not copied: rustup would install a second toolchain for it.
ARG RUST_VERSION=1.95.0
# The same release in both stages: the binary needs the glibc it was linked with, or a later one.
ARG DEBIAN_RELEASE=trixie

# Builds the web page that is embedded in the binary.
ARG NODE_VERSION=22

FROM node:${NODE_VERSION}-${DEBIAN_RELEASE}-slim AS node

FROM rust:${RUST_VERSION}-slim-${DEBIAN_RELEASE} AS build
COPY --from=node /usr/local/bin/node /usr/local/bin/node
COPY --from=node /usr/local/lib/node_modules/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
WORKDIR /src
COPY . .
# The caches keep compiled dependencies between builds. Cargo compares modification times, and a
# checkout may be older than what was built from it, so all files are touched.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    --mount=type=cache,target=/root/.npm,sharing=locked \
    find . -path ./target -prune -o -type f -exec touch {} + \
    && cargo build --locked --profile dist --package tripgraph --bin tripgraph --features cloud,otel \
    && install -D target/dist/tripgraph /out/tripgraph

FROM debian:${DEBIAN_RELEASE}-slim
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="tripgraph" \
      org.opencontainers.image.description="A GraphQL server that ingests CSV files of trips and answers which are alike and how many an area sees a week" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"

# The ids are fixed, because shared file systems use them. A new volume inherits the owner of /data.
RUN groupadd --gid 10001 tripgraph \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin tripgraph \
    && install --directory --owner 10001 --group 10001 --mode 0750 /data
# For databases with certificates of public authorities (sslmode=verify-full).
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /out/tripgraph /usr/local/bin/tripgraph

ENV TRIPGRAPH_DATA_DIR=/data \
    TRIPGRAPH_LISTEN=0.0.0.0:8000
USER 10001:10001
WORKDIR /app
VOLUME ["/data"]
EXPOSE 8000
STOPSIGNAL SIGTERM
# bash, which the image contains, opens the connection, so curl need not be installed and patched.
HEALTHCHECK --interval=10s --timeout=8s --start-period=60s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/${TRIPGRAPH_LISTEN##*:} && printf 'GET /health/ready HTTP/1.0\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["tripgraph"]
CMD ["serve"]
