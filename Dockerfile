# syntax=docker/dockerfile:1
# plimsoll in an image: built from this tree with Debian's libraries, run without root.
#
#   docker build -t plimsoll .
#   docker run --rm plimsoll demo
FROM debian:bookworm-slim AS build
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends g++ libboost-dev libcivetweb-dev libcli11-dev libfmt-dev libre2-dev \
    libspdlog-dev libssl-dev libyaml-cpp-dev meson ninja-build nlohmann-json3-dev pkg-config prometheus-cpp-dev python3 \
    zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN meson setup /build -Dbuildtype=release -Dtests=false \
 && ninja -C /build \
 && DESTDIR=/install meson install -C /build --no-rebuild --strip

FROM debian:bookworm-slim
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends ca-certificates libcivetweb1 libfmt9 libprometheus-cpp-core1.0 libre2-9 \
    libspdlog1.10 libssl3 libyaml-cpp0.7 zlib1g \
 && rm -rf /var/lib/apt/lists/*
COPY --from=build /install/usr/local/ /usr/local/
USER 65532:65532
EXPOSE 7546 6443
ENTRYPOINT ["/usr/local/bin/plimsoll"]
