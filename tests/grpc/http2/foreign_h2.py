"""Speaks HTTP/2 by Debian's python3-h2 in a random order: foreign_h2.py client SEED PORT | server SEED.

Prints what happened as JSON. A frame that h2 finds wrong ends the program with its exception.
"""
import json
import random
import select
import socket
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    ConnectionTerminated, DataReceived, PingAckReceived, RequestReceived, ResponseReceived, SettingsAcknowledged,
    StreamEnded, StreamReset, TrailersReceived,
)
from h2.settings import SettingCodes
from h2.windows import WindowManager

# An empty DATA frame may be sent without space in the window (RFC 9113, section 6.9.1), also when a SETTINGS frame made
# the window negative. h2 refuses that.
consume = WindowManager.window_consumed
WindowManager.window_consumed = lambda window, size: consume(window, size) if size > 0 else None

role, seed = sys.argv[1], int(sys.argv[2])
rnd = random.Random(seed)
STREAMS = 120
# PING, SETTINGS, PRIORITY and WINDOW_UPDATE that are sent for no need: the peer takes 1,000 at once and 100 a second.
MAX_IDLE_FRAMES = 400
IS_CLIENT = role == "client"


class Stream:
    def __init__(self, path):
        self.path = path
        self.sent = bytearray()
        self.got = bytearray()
        self.waiting = bytearray()
        self.is_open = True
        self.has_response = False
        self.local_ended = False
        self.remote_ended = False
        self.trailers = None
        self.unacknowledged = 0
        self.left = rnd.choice([0, 1, 10, 5_000, 60_000, 200_000])


def connect():
    if IS_CLIENT:
        return socket.create_connection(("127.0.0.1", int(sys.argv[3])))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        return listener.accept()[0]


sock = connect()
conn = H2Connection(H2Configuration(client_side=IS_CLIENT, header_encoding="latin1"))
conn.initiate_connection()
streams = {}
counts = dict(opened=0, echoed=0, answeredEarly=0, resetHere=0, resetThere=0, pongs=0, octets=0)
terminated = None
# One SETTINGS frame at a time: h2 takes the first acknowledgement for that of all settings that were sent.
settings_are_pending = True
idle_frames = 0


def flush():
    octets = conn.data_to_send()
    while octets:
        readable, writable, _ = select.select([sock], [sock], [], 30)
        assert readable or writable, "the peer neither reads nor writes"
        if readable and not receive():
            return False
        if writable:
            octets = octets[sock.send(octets[:65_536]):]
    return True


def receive():
    octets = sock.recv(65_536)
    if not octets:
        return False
    for event in conn.receive_data(octets):
        take(event)
    return True


def take(event):
    global terminated, settings_are_pending
    stream = streams.get(getattr(event, "stream_id", None))
    if isinstance(event, RequestReceived):
        streams[event.stream_id] = Stream(dict(event.headers)[":path"])
        counts["opened"] += 1
    elif isinstance(event, DataReceived):
        counts["octets"] += len(event.data)
        stream.got += event.data
        stream.waiting += b"" if IS_CLIENT else event.data
        stream.unacknowledged += event.flow_controlled_length
    elif isinstance(event, TrailersReceived):
        stream.trailers = dict(event.headers)
    elif isinstance(event, StreamEnded):
        stream.remote_ended = True
        if IS_CLIENT:
            finish(stream)
    elif isinstance(event, StreamReset):
        if stream.is_open and not (stream.remote_ended and event.error_code == ErrorCodes.NO_ERROR):
            counts["resetThere"] += 1
        stream.is_open = False
    elif isinstance(event, SettingsAcknowledged):
        settings_are_pending = False
    elif isinstance(event, PingAckReceived):
        counts["pongs"] += 1
    elif isinstance(event, ConnectionTerminated):
        terminated = event
        assert event.error_code == ErrorCodes.NO_ERROR, f"GOAWAY {event.error_code}: {event.additional_data}"


def finish(stream):
    """Compares an answer that is whole."""
    assert stream.trailers["grpc-status"] == "0"
    if stream.path == "/echo":
        assert stream.local_ended and stream.sent == stream.got, "the echo differs"
        counts["echoed"] += 1
        stream.is_open = False
    else:
        counts["answeredEarly"] += 1
        stream.is_open = not stream.local_ended


def open_stream():
    stream_id = conn.get_next_available_stream_id()
    path = rnd.choice(["/echo"] * 8 + ["/early", "/reset"])
    streams[stream_id] = Stream(path)
    counts["opened"] += 1
    headers = [(":method", "POST"), (":scheme", "http"), (":authority", "localhost"), (":path", path), ("te", "trailers")]
    headers += [(f"x-{rnd.randrange(20)}", "v" * rnd.randrange(200)) for _ in range(rnd.randrange(8))]
    headers += [("x-long", "w" * rnd.randrange(9_000))] if rnd.random() < 0.1 else []
    priority = dict(priority_weight=rnd.randrange(1, 257)) if rnd.random() < 0.2 else {}
    conn.send_headers(stream_id, headers, **priority)


def respond(stream_id, stream):
    stream.has_response = True
    if rnd.random() < 0.3:
        conn.send_headers(stream_id, [(":status", "103"), ("link", "x" * rnd.randrange(100))])
    conn.send_headers(stream_id, [(":status", "200"), ("x-seed", str(rnd.random())), ("server", "h2")])


def send(stream_id, stream):
    if not IS_CLIENT and not stream.has_response:
        return respond(stream_id, stream)
    pad = rnd.choice([None, None, None, 0, 7, 255])
    most = min(conn.local_flow_control_window(stream_id), conn.max_outbound_frame_size) - (0 if pad is None else pad + 1)
    left = stream.left if IS_CLIENT else len(stream.waiting)
    size = min(most, left, rnd.choice([1, 100, 16_384]))
    if size > 0:
        octets = rnd.randbytes(size) if IS_CLIENT else bytes(stream.waiting[:size])
        stream.sent += octets
        stream.left -= size
        del stream.waiting[:size]
        conn.send_data(stream_id, octets, pad_length=pad)
    elif left == 0 and (IS_CLIENT or stream.remote_ended):
        end(stream_id, stream)


def end(stream_id, stream):
    stream.local_ended = True
    if not IS_CLIENT:
        conn.send_headers(stream_id, [("grpc-status", "0"), ("grpc-message", "x" * rnd.randrange(50))], end_stream=True)
        counts["echoed"] += 1
        stream.is_open = False
    elif rnd.random() < 0.2:
        conn.send_headers(stream_id, [("x-trailer", "1")], end_stream=True)
    else:
        conn.end_stream(stream_id)
    if stream.remote_ended:
        stream.is_open = False


def act():
    """Does one thing at random."""
    global settings_are_pending, idle_frames
    chosen = rnd.choices(
        ["open", "send", "acknowledge", "reset", "ping", "settings", "priority", "grow"],
        [10, 60, 30, 0.7, 1, 0.7, 1 if IS_CLIENT else 0, 1],
    )[0]
    if chosen in ("ping", "settings", "priority", "grow"):
        idle_frames += 1
        if idle_frames > MAX_IDLE_FRAMES:
            return
    active = [(id, s) for id, s in streams.items() if s.is_open]
    sendable = [(id, s) for id, s in active if not s.local_ended]
    if chosen == "open" and IS_CLIENT and counts["opened"] < STREAMS and conn.open_outbound_streams < 20:
        open_stream()
    elif chosen == "send" and sendable:
        send(*rnd.choice(sendable))
    elif chosen == "acknowledge":
        for stream_id, stream in streams.items():
            if stream.unacknowledged > 0 and rnd.random() < 0.7:
                conn.acknowledge_received_data(stream.unacknowledged, stream_id)
                stream.unacknowledged = 0
    elif chosen == "reset" and active:
        stream_id, stream = rnd.choice(active)
        conn.reset_stream(stream_id, rnd.choice([ErrorCodes.CANCEL, ErrorCodes.INTERNAL_ERROR]))
        stream.is_open = False
        counts["resetHere"] += 1
    elif chosen == "ping":
        conn.ping(rnd.randbytes(8))
    elif chosen == "settings" and not settings_are_pending:
        setting, values = rnd.choice([
            # Answers in frames below 1,024 octets would not pay for their WINDOW_UPDATE: see src/grpc/http2/frame_budget.ts.
            (SettingCodes.INITIAL_WINDOW_SIZE, [3_000, 65_535, 1_000_000]),
            (SettingCodes.HEADER_TABLE_SIZE, [0, 100, 4_096, 65_536]),
            (SettingCodes.MAX_FRAME_SIZE, [16_384, 100_000]),
            (SettingCodes.MAX_CONCURRENT_STREAMS, [50, 100]),
        ])
        conn.update_settings({setting: rnd.choice(values)})
        settings_are_pending = True
    elif chosen == "priority" and active:
        conn.prioritize(rnd.choice(active)[0], weight=rnd.randrange(1, 257), exclusive=rnd.random() < 0.5)
    elif chosen == "grow" and active:
        conn.increment_flow_control_window(rnd.randrange(1, 1_000))


def is_done():
    return IS_CLIENT and counts["opened"] == STREAMS and not any(stream.is_open for stream in streams.values())


while not is_done():
    readable, _, _ = select.select([sock], [], [], 0 if rnd.random() < 0.9 else 0.001)
    if readable and not receive():
        assert not IS_CLIENT or is_done(), "the server closed the connection"
        break
    if terminated is None:
        act()
    if not flush():
        break
if IS_CLIENT:
    conn.close_connection()
    sock.sendall(conn.data_to_send())
    while sock.recv(65_536):
        pass
print(json.dumps(counts))
