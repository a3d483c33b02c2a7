# chatd as an image: docker build --build-arg COMMIT="$(git rev-parse --short=12 HEAD)" --tag chatd .
FROM denoland/deno:2.9.3 AS build
WORKDIR /src
COPY deno.json deno.lock main.ts ./
COPY src src
COPY packaging packaging
ARG COMMIT=unknown
RUN deno task compile "$COMMIT"

FROM debian:bookworm-slim
# The number of the user rabbitmq in the image of RabbitMQ, so that both can own what compose.yaml has them share.
RUN useradd --system --uid 999 --user-group --home-dir /data --no-create-home chatd \
  && install --directory --owner=chatd --group=chatd --mode=0700 /data /config
COPY --from=build /src/dist/chatd /usr/local/bin/chatd
USER chatd
WORKDIR /data
VOLUME /data
ENV CHATD_DATA=/data
EXPOSE 50051
STOPSIGNAL SIGTERM
ENTRYPOINT ["chatd"]
CMD ["serve"]
