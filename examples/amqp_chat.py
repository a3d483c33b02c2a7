#!/usr/bin/env python3
"""Chats with somebody over RabbitMQ, in proto3 JSON: docs/amqp.md says what goes over the wire.

    CHATD_PASSWORD=... python3 amqp_chat.py HOST:PORT USER TO TEXT

logs USER in, sends TEXT to TO, prints every message that comes, and ends with the first one from TO.
Needs pika (Debian: python3-pika).
"""

import json
import os
import sys
import time
import uuid

import pika

REQUESTS = "chatd.requests"
REPLIES = "amq.rabbitmq.reply-to"


def uuid7() -> str:
    """The id of a message: RFC 9562, the time first."""
    value = int(time.time() * 1000) << 80 | uuid.uuid4().int & (1 << 80) - 1
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


class Chat:
    def __init__(self, host: str, port: int, user: str, password: str):
        self.user = user
        self.last_request = 0
        self.headers: dict[str, str] = {}
        self.items: list[dict] = []
        credentials = pika.PlainCredentials(user, password)
        self.connection = pika.BlockingConnection(pika.ConnectionParameters(host, port, credentials=credentials))
        self.channel = self.connection.channel()
        # With confirms, publish() fails when the broker does not take a message.
        self.channel.confirm_delivery()
        self.channel.basic_consume(REPLIES, self.on_reply, auto_ack=True)
        token = self.log_in(password)
        hello = self.request("hello", {"protocolVersion": 1, "token": token, "client": "amqp_chat.py"})
        self.reply_to(hello)

    def log_in(self, password: str) -> str:
        """The broker knows who we are now; the server gives a token for the password."""
        self.answer = None
        body = {"user": self.user, "password": password, "deviceName": "amqp_chat.py"}
        self.publish("chatd.v1.LogInRequest", body)
        while self.answer is None:
            self.connection.process_data_events(time_limit=1)
        if "credentials" not in self.answer:
            sys.exit(self.answer["message"])
        return self.answer["credentials"]["token"]

    def publish(self, kind: str, body: dict) -> None:
        properties = pika.BasicProperties(
            user_id=self.user,
            type=kind,
            content_type="application/json",
            reply_to=REPLIES,
            headers=self.headers,
        )
        self.published = time.monotonic()
        self.channel.basic_publish(REQUESTS, REQUESTS, json.dumps(body).encode(), properties, mandatory=True)

    def request(self, kind: str, value: dict) -> int:
        self.last_request += 1
        self.publish("chatd.v1.ClientFrame", {"requests": [{"id": self.last_request, kind: value}]})
        return self.last_request

    def reply_to(self, request: int) -> dict:
        """Waits for it. What else comes meanwhile is kept for next_message()."""
        while True:
            for item in self.items:
                # proto3 JSON leaves out what is 0, empty or false, and writes 64-bit numbers as strings.
                if int(item.get("reply", {}).get("requestId", 0)) == request:
                    self.items.remove(item)
                    if "error" in item["reply"]:
                        sys.exit(item["reply"]["error"]["message"])
                    return item["reply"]
            self.wait()

    def next_message(self) -> dict:
        while True:
            for item in self.items:
                if "message" in item:
                    self.items.remove(item)
                    return item["message"]
                if "sessionEnded" in item:
                    sys.exit(item["sessionEnded"]["error"]["message"])
            self.wait()

    def wait(self) -> None:
        self.connection.process_data_events(time_limit=1)
        # Whoever says nothing for 35 s is taken for gone.
        if self.headers and time.monotonic() - self.published > 10:
            self.publish("chatd.v1.ClientFrame", {})

    def on_reply(self, channel, method, properties, body) -> None:
        if properties.type != "chatd.v1.ServerFrame":
            self.answer = json.loads(body)
            return
        self.items += json.loads(body).get("items", [])
        headers = properties.headers or {}
        if "chatd-session" in headers:
            self.headers = {"chatd-session": headers["chatd-session"]}
            self.channel.basic_consume(headers["chatd-session-queue"], self.on_frame, auto_ack=True, exclusive=True)

    def on_frame(self, channel, method, properties, body) -> None:
        frame = json.loads(body)
        self.items += frame.get("items", [])
        # The server sends on when it knows that we have it, and does not send it again.
        if "receipt" in frame:
            self.publish("chatd.v1.ClientFrame", {"requests": [{"ack": {"receipt": frame["receipt"]}}]})


def main() -> None:
    address, user, to, text = sys.argv[1:]
    host, port = address.rsplit(":", 1)
    chat = Chat(host, int(port), user, os.environ["CHATD_PASSWORD"])
    sent = chat.reply_to(chat.request("send", {"to": to, "id": uuid7(), "text": text}))
    print(f"accepted as number {sent['send']['seq']}", flush=True)
    while True:
        message = chat.next_message()
        print(f"{message['sender']}: {message['text']}", flush=True)
        if message["sender"] == to:
            break
    # The token is of no use any more.
    chat.reply_to(chat.request("logOut", {}))
    chat.connection.close()


if __name__ == "__main__":
    main()
