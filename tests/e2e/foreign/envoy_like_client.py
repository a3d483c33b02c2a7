"""Uses a chatd as Envoy does, by python3-h2: envoy_like_client.py PORT CA_FILE|- SUFFIX.

Ends with 0 when everything was as expected. Envoy's defaults are windows of 256 MiB, no push, no bound of streams, a
header table of 4,096 octets, and PINGs of its own.
"""
import socket, ssl, sys, time, uuid
import h2.connection, h2.config, h2.errors, h2.events, h2.settings
import hpack
from chatd.v1 import auth_pb2, chat_pb2, session_pb2

port, ca_file, suffix = int(sys.argv[1]), sys.argv[2], sys.argv[3]
large_window = 256 * 1024 * 1024
Codes = h2.settings.SettingCodes


def open_socket():
    connected = socket.create_connection(("127.0.0.1", port), timeout=60)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if ca_file == "-":
        return connected
    context = ssl.create_default_context(cafile=ca_file)
    context.set_alpn_protocols(["h2"])
    secure = context.wrap_socket(connected, server_hostname="localhost")
    assert secure.selected_alpn_protocol() == "h2"
    return secure


class Call:
    """What came on one stream."""

    def __init__(self):
        self.headers, self.trailers, self.data, self.is_over = {}, {}, b"", False

    @property
    def status(self):
        return {**self.headers, **self.trailers}.get("grpc-status")

    def take_message(self):
        """Returns the next whole message and forgets it; None when there is none."""
        length = int.from_bytes(self.data[1:5], "big")
        if len(self.data) < 5 or len(self.data) < 5 + length:
            return None
        message, self.data = self.data[5 : 5 + length], self.data[5 + length :]
        return message


class Client:
    def __init__(self, window=large_window):
        self.socket = open_socket()
        self.connection = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self.calls, self.pongs = {}, 0
        self.connection.local_settings = h2.settings.Settings(
            client=True,
            initial_values={
                Codes.HEADER_TABLE_SIZE: 4096,
                Codes.ENABLE_PUSH: 0,
                Codes.MAX_CONCURRENT_STREAMS: 2**31 - 1,
                Codes.INITIAL_WINDOW_SIZE: window,
            },
        )
        self.connection.initiate_connection()
        if window > 65535:
            self.connection.increment_flow_control_window(window - 65535)
        self.flush()
        self.wait(lambda: self.connection.remote_settings.max_header_list_size)

    def flush(self):
        self.socket.sendall(self.connection.data_to_send())

    def wait(self, is_done):
        while not is_done():
            chunk = self.socket.recv(65536)
            assert chunk, "the server closed the connection"
            for event in self.connection.receive_data(chunk):
                self.hear(event)
            self.flush()

    def hear(self, event):
        assert not isinstance(event, h2.events.ConnectionTerminated), (event.error_code, event.additional_data)
        if isinstance(event, h2.events.PingAckReceived):
            self.pongs += 1
        call = self.calls.get(getattr(event, "stream_id", None))
        if isinstance(event, h2.events.ResponseReceived):
            call.headers = dict(event.headers)
        elif isinstance(event, h2.events.TrailersReceived):
            call.trailers = dict(event.headers)
        elif isinstance(event, h2.events.DataReceived):
            call.data += event.data
            self.connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamReset):
            assert event.error_code == h2.errors.ErrorCodes.NO_ERROR, event
            call.is_over = True
        elif isinstance(event, h2.events.StreamEnded):
            call.is_over = True

    def begin(self, path, metadata=(), timeout="60S"):
        """Begins a call. Returns the number of its stream."""
        stream = self.connection.get_next_available_stream_id()
        self.calls[stream] = Call()
        headers = [
            (":method", "POST"),
            (":scheme", "http" if ca_file == "-" else "https"),
            (":path", path),
            (":authority", f"localhost:{port}"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            ("grpc-timeout", timeout),
            ("user-agent", "grpc-c++/1.60.0 grpc-c/37.0.0 (linux; chttp2)"),
            ("x-forwarded-proto", "https"),
            ("x-request-id", str(uuid.uuid4())),
            ("x-envoy-expected-rq-timeout-ms", "15000"),
            *metadata,
        ]
        self.connection.send_headers(stream, headers)
        return stream

    def send(self, stream, message, piece=16384, padding=None):
        """Sends a message in pieces of this many octets."""
        body = b"\0" + len(message).to_bytes(4, "big") + message
        for at in range(0, len(body), piece):
            part = body[at : at + piece]
            self.wait(lambda: self.connection.local_flow_control_window(stream) >= len(part) + (padding or 0) + 1)
            self.connection.send_data(stream, part, pad_length=padding)
        self.flush()

    def end(self, stream):
        self.connection.end_stream(stream)
        self.flush()

    def ask(self, method, request, response, metadata=(), **how):
        stream = self.begin(f"/chatd.v1.{method}", metadata)
        self.send(stream, request.SerializeToString(), **how)
        self.end(stream)
        call = self.calls[stream]
        self.wait(lambda: call.is_over)
        assert call.status == "0", (call.headers, call.trailers)
        return response.FromString(call.take_message())


def message_id():
    number = int(time.time() * 1000) << 80 | uuid.uuid4().int & (1 << 76) - 1 | 7 << 76
    return str(uuid.UUID(int=number & ~(3 << 62) | 2 << 62))


user = f"ana{suffix}"
client = Client()
account = auth_pb2.RegisterRequest(user=user, password="correct horse battery")
token = client.ask("AuthService/Register", account, auth_pb2.RegisterResponse).credentials.token
secret = hpack.NeverIndexedHeaderTuple("authorization", f"Bearer {token}")


def who_am_i(client, metadata=(), **how):
    answer = client.ask("ChatService/WhoAmI", chat_pb2.WhoAmIRequest(), chat_pb2.WhoAmIResponse, [secret, *metadata], **how)
    assert answer.user == user, answer


def list_size(headers):
    return sum(len(name) + len(value) + 32 for name, value in headers)


def call_with_all_kinds_of_headers():
    # Cookies come in crumbs; each value enters the table, and leaves it again.
    for index in range(100):
        who_am_i(client, [("cookie", f"a={index}"), ("cookie", "b=2"), (f"x-{index}", "v" * 40), ("x-trace-bin", "AAEC")])
    encode = client.connection.encoder.encode
    client.connection.encoder.encode = lambda headers: encode(headers, huffman=False)
    who_am_i(client, [("x-plain", "not by Huffman")])
    client.connection.encoder.encode = encode
    for size in [0, 100, 4096]:
        client.connection.encoder.header_table_size = size
        who_am_i(client, [("x-table", str(size)), ("x-table", str(size))])
    # A block in many frames.
    client.connection.max_outbound_frame_size = 1024
    who_am_i(client, [("x-long", "abc" * 1500)])
    client.connection.max_outbound_frame_size = 16384


def call_with_large_headers():
    """The list may be as large as the server says."""
    limit = client.connection.remote_settings.max_header_list_size
    seen = []
    send_headers = client.connection.send_headers
    client.connection.send_headers = lambda stream, headers: (seen.append(list_size(headers)), send_headers(stream, headers))
    who_am_i(client, [("x-large", "")])
    room = limit - seen[-1]
    who_am_i(client, [("x-large", "0" * room)])
    assert seen[-1] == limit
    refused = client.begin("/chatd.v1.ChatService/WhoAmI", [secret, ("x-large", "0" * (room + 1))])
    client.flush()
    client.wait(lambda: client.calls[refused].is_over)
    assert client.calls[refused].headers[":status"] == "431", client.calls[refused].headers
    client.connection.send_headers = send_headers
    who_am_i(client)


def call_with_all_kinds_of_frames():
    client.connection.ping(b"envoy-01")
    client.connection.prioritize(1001, weight=200, depends_on=0)
    text = chat_pb2.SendRequest(to=user, id=message_id(), text="y" * 16000)
    for how in [{"piece": 1000}, {"piece": 100, "padding": 255}, {"piece": 16000, "padding": 0}]:
        client.ask("ChatService/Send", text, chat_pb2.SendResponse, [secret], **how)
    who_am_i(client, piece=1)
    client.wait(lambda: client.pongs == 1)


def interleave_calls():
    streams = [client.begin("/chatd.v1.ChatService/WhoAmI", [secret]) for _ in range(30)]
    for octet in [b"\0", b"\0\0", b"\0\0"]:
        for stream in streams:
            client.connection.send_data(stream, octet)
        client.flush()
    for stream in reversed(streams):
        client.end(stream)
    client.wait(lambda: all(client.calls[stream].is_over for stream in streams))
    assert {client.calls[stream].status for stream in streams} == {"0"}


def chat_live(client):
    """Sends to oneself over a session, beside other calls, and acknowledges what comes."""
    stream = client.begin("/chatd.v1.ChatService/Connect")
    last_id, replies = 0, {}

    def request(**kind):
        nonlocal last_id
        last_id += 1
        client.send(stream, session_pb2.ClientFrame(requests=[session_pb2.Request(id=last_id, **kind)]).SerializeToString())
        return last_id

    def take_frames():
        while (message := client.calls[stream].take_message()) is not None:
            frame = session_pb2.ServerFrame.FromString(message)
            replies.update({item.reply.request_id: item.reply for item in frame.items if item.HasField("reply")})
            if frame.receipt:
                request(ack=session_pb2.Ack(receipt=frame.receipt))

    def wait_for(number):
        def is_there():
            take_frames()
            return number in replies

        client.wait(is_there)
        assert not replies[number].HasField("error"), replies[number]
        return replies[number]

    wait_for(request(hello=session_pb2.Hello(protocol_version=2, token=token, consumer="envoy", client="envoy-like")))
    sends = [request(send=chat_pb2.SendRequest(to=user, id=message_id(), text=f"{i} " + "z" * 2000)) for i in range(100)]
    for number in sends:
        wait_for(number)
    who_am_i(client)
    history = wait_for(request(history=chat_pb2.HistoryRequest(**{"with": user, "limit": 200}))).history
    assert len(history.messages) >= 10, len(history.messages)
    client.connection.reset_stream(stream, h2.errors.ErrorCodes.CANCEL)
    client.flush()
    who_am_i(client)


call_with_all_kinds_of_headers()
call_with_large_headers()
call_with_all_kinds_of_frames()
interleave_calls()
chat_live(client)
client.connection.close_connection()
client.flush()
# A peer with small windows gets as much, in small pieces.
small = Client(window=300)
who_am_i(small)
chat_live(small)
