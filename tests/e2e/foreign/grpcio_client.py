"""Uses a chatd by Python's grpcio: grpcio_client.py HOST:PORT CA_FILE|- SUFFIX. Ends with 0 when all was as expected."""
import os, queue, sys, time, uuid
from concurrent import futures
import grpc
from chatd.v1 import auth_pb2, auth_service_pb2_grpc, chat_pb2, chat_service_pb2_grpc, session_pb2

address, ca_file, suffix = sys.argv[1:]
password = "correct horse battery"
deadline = 60
options = [("grpc.max_metadata_size", 16384)]
if ca_file == "-":
    channel = grpc.insecure_channel(address, options)
else:
    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(open(ca_file, "rb").read()), options)
auth = auth_service_pb2_grpc.AuthServiceStub(channel)
chat = chat_service_pb2_grpc.ChatServiceStub(channel)


def message_id():
    number = int(time.time() * 1000) << 80 | uuid.uuid4().int & (1 << 76) - 1 | 7 << 76
    return str(uuid.UUID(int=number & ~(3 << 62) | 2 << 62))


def check_health():
    # No code was made for this service: the messages are bytes, HealthCheckResponse{status: SERVING} the second.
    assert channel.unary_unary("/grpc.health.v1.Health/Check")(b"", timeout=deadline) == b"\x08\x01"


def log_in(user):
    """Registers, and logs in again."""
    auth.Register(auth_pb2.RegisterRequest(user=user, password=password), timeout=deadline)
    token = auth.LogIn(auth_pb2.LogInRequest(user=user, password=password), timeout=deadline).credentials.token
    return [("authorization", f"Bearer {token}")]


def refusal(call):
    try:
        call()
    except grpc.RpcError as error:
        return error
    raise AssertionError("the call was not refused")


class Session:
    """A live session: says hello, acknowledges what comes, and keeps it."""

    def __init__(self, metadata):
        self.requests = queue.SimpleQueue()
        self.last_id = 0
        self.replies, self.messages = {}, []
        self.call = chat.Connect(iter(self.requests.get, None), timeout=deadline)
        token = metadata[0][1].removeprefix("Bearer ")
        self.ask(hello=session_pb2.Hello(protocol_version=2, token=token, consumer="python", client="grpcio"))
        self.read(lambda: len(self.replies) == 1)

    def ask(self, **kind):
        self.last_id += 1
        self.requests.put(session_pb2.ClientFrame(requests=[session_pb2.Request(id=self.last_id, **kind)]))

    def read(self, is_enough):
        while not is_enough():
            frame = next(self.call)
            for item in frame.items:
                if item.HasField("reply"):
                    assert not item.reply.HasField("error"), item.reply
                    self.replies[item.reply.request_id] = item.reply
                if item.HasField("message"):
                    self.messages.append(item.message.text)
            if frame.receipt:
                self.ask(ack=session_pb2.Ack(receipt=frame.receipt))


def make_single_calls(ana, ben):
    text = "Grüße, " + "x" * 16000
    chat.Send(chat_pb2.SendRequest(to=f"ben{suffix}", id=message_id(), text=text), metadata=ana, timeout=deadline)
    history = chat_pb2.HistoryRequest(**{"with": f"ana{suffix}"})
    assert [message.text for message in chat.History(history, metadata=ben, timeout=deadline).messages] == [text]
    nobody = refusal(
        lambda: chat.Send(chat_pb2.SendRequest(to="nobody", id=message_id(), text="x"), metadata=ana, timeout=deadline)
    )
    assert nobody.code() == grpc.StatusCode.NOT_FOUND and "nobody" in nobody.details(), nobody
    assert ("chatd-error-code", "not_found") in nobody.trailing_metadata(), nobody.trailing_metadata()
    who = auth_pb2.LogOutRequest()
    stranger = refusal(lambda: auth.LogOut(who, metadata=[("authorization", "Bearer no")], timeout=deadline))
    assert stranger.code() == grpc.StatusCode.UNAUTHENTICATED, stranger
    gzip = refusal(lambda: chat.History(history, metadata=ben, timeout=deadline, compression=grpc.Compression.Gzip))
    assert gzip.code() == grpc.StatusCode.UNIMPLEMENTED, gzip
    unknown = refusal(lambda: channel.unary_unary("/chatd.v1.ChatService/Nothing")(b"", timeout=deadline))
    assert unknown.code() == grpc.StatusCode.UNIMPLEMENTED, unknown
    # Refused before all of it came. HAProxy 2.6 then breaks the call off instead.
    too_long = refusal(lambda: chat.History(chat_pb2.HistoryRequest(**{"with": "x" * 4_000_000}), metadata=ben, timeout=deadline))
    assert too_long.code() in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED), too_long
    # Binary metadata, and more than the library takes by default.
    large = ana + [("x-trace-bin", bytes(range(256)))] + [(f"x-large-{i}", str(i) * 1000) for i in range(6)]
    assert chat.WhoAmI(chat_pb2.WhoAmIRequest(), metadata=large, timeout=deadline).user == f"ana{suffix}"


def make_many_calls(ana):
    with futures.ThreadPoolExecutor(8) as pool:
        ask = lambda _: chat.WhoAmI(chat_pb2.WhoAmIRequest(), metadata=ana, timeout=deadline).user
        assert set(pool.map(ask, range(400))) == {f"ana{suffix}"}
    at_once = [chat.WhoAmI.future(chat_pb2.WhoAmIRequest(), metadata=ana, timeout=deadline) for _ in range(100)]
    assert {call.result().user for call in at_once} == {f"ana{suffix}"}


def chat_live(ana, ben):
    sender, reader = Session(ana), Session(ben)
    texts = [f"{i} " + "y" * (i * 50) for i in range(200)]
    for text in texts:
        sender.ask(send=chat_pb2.SendRequest(to=f"ben{suffix}", id=message_id(), text=text))
    sender.read(lambda: len(sender.replies) == 1 + len(texts))
    reader.read(lambda: len(reader.messages) == len(texts))
    assert reader.messages == texts
    # A session that its client leaves in order ends with OK, one that it breaks off is gone.
    sender.requests.put(None)
    list(sender.call)
    assert sender.call.code() == grpc.StatusCode.OK, sender.call.code()
    reader.call.cancel()
    assert refusal(lambda: next(reader.call)).code() == grpc.StatusCode.CANCELLED
    # The consumer is free for the next session, which goes on behind what was acknowledged.
    next_reader = Session(ben)
    chat.Send(chat_pb2.SendRequest(to=f"ben{suffix}", id=message_id(), text="last"), metadata=ana, timeout=deadline)
    next_reader.read(lambda: "last" in next_reader.messages)
    next_reader.call.cancel()


def outlive_a_deadline(ana):
    call = chat.Connect(iter(queue.SimpleQueue().get, None), timeout=0.5)
    assert refusal(lambda: next(call)).code() == grpc.StatusCode.DEADLINE_EXCEEDED


check_health()
ana, ben = log_in(f"ana{suffix}"), log_in(f"ben{suffix}")
make_single_calls(ana, ben)
make_many_calls(ana)
chat_live(ana, ben)
outlive_a_deadline(ana)
channel.close()
# Threads of grpcio wait for requests of sessions that were broken off.
os._exit(0)
