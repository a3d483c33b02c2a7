# The image of chatd: docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" --tag chatd .
# It was never built: see docs/releasing.md.
FROM denoland/deno:2.9.6 AS build
WORKDIR /src
COPY deno.json deno.lock main.ts ./
COPY src src
COPY packaging packaging
ARG COMMIT=unknown
RUN deno task compile "$COMMIT"

FROM debian:bookworm-slim
# 999 is also the number of the user rabbitmq in RabbitMQ's image, so both can own the files that compose.yaml shares.
RUN useradd --system --uid 999 --user-group --home-dir /data --no-create-home chatd \
  && install --directory --owner=chatd --group=chatd --mode=0700 /data /config
COPY --from=build /src/dist/chatd /usr/local/bin/chatd
USER chatd
WORKDIR /data
VOLUME /data
# Published ports lead to the container's own address. Beyond loopback, chatd needs a certificate or --insecure.
ENV CHATD_DATA=/data CHATD_LISTEN=0.0.0.0:50051
EXPOSE 50051
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s CMD ["chatd", "healthcheck"]
ENTRYPOINT ["chatd"]
CMD ["serve"]
