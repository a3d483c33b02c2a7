"""Calls a chatd of which it knows nothing but reflection: reflection_client.py HOST:PORT CA_FILE|- DESCRIPTORS USER.

DESCRIPTORS is a FileDescriptorSet of grpc/reflection/v1/reflection.proto. Prints what it found as JSON.
"""
import json, sys, time
import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

address, ca_file, descriptors, user = sys.argv[1:]
if ca_file == "-":
    channel = grpc.insecure_channel(address)
else:
    channel = grpc.secure_channel(address, grpc.ssl_channel_credentials(open(ca_file, "rb").read()))


class Types:
    """Messages by the descriptors that are added."""

    def __init__(self):
        self.pool = descriptor_pool.DescriptorPool()

    def add(self, file):
        self.pool.Add(file)

    def message(self, name):
        return message_factory.MessageFactory(self.pool).GetPrototype(self.pool.FindMessageTypeByName(name))


def obey(call):
    """Makes a call again when the server has said that it is too early, after the time that the server names."""
    while True:
        try:
            return call()
        except grpc.RpcError as error:
            wait_ms = dict(error.trailing_metadata()).get("chatd-retry-after-ms")
            if wait_ms is None:
                raise
            time.sleep(int(wait_ms) / 1000)


class Reflection:
    def __init__(self, version):
        types = Types()
        for file in descriptor_pb2.FileDescriptorSet.FromString(open(descriptors, "rb").read()).file:
            types.add(file)
        self.request = types.message("grpc.reflection.v1.ServerReflectionRequest")
        response = types.message("grpc.reflection.v1.ServerReflectionResponse")
        self.ask_all = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            self.request.SerializeToString,
            response.FromString,
        )

    def ask(self, **question):
        (answer,) = obey(lambda: list(self.ask_all(iter([self.request(**question)]), timeout=60)))
        assert not answer.HasField("error_response"), answer
        return answer

    def services(self):
        return [service.name for service in self.ask(list_services="").list_services_response.service]

    def files(self, **question):
        found = self.ask(**question).file_descriptor_response.file_descriptor_proto
        return [descriptor_pb2.FileDescriptorProto.FromString(file) for file in found]


def describe(reflection, services):
    """Fetches the files of all services and what they import, each once, in an order in which they can be added."""
    types, known = Types(), set()

    def add(file):
        if file.name in known:
            return
        known.add(file.name)
        for name in file.dependency:
            for imported in reflection.files(file_by_filename=name):
                if imported.name == name:
                    add(imported)
        types.add(file)

    for service in services:
        for file in reflection.files(file_containing_symbol=service):
            add(file)
    return types


def call(types, path, fields, metadata=()):
    """Calls a method, which is known by its descriptor, with a message from JSON. Returns JSON."""
    service, name = path.rsplit(".", 1)
    method = types.pool.FindServiceByName(service).methods_by_name[name]
    request = types.message(method.input_type.full_name)
    response = types.message(method.output_type.full_name)
    make = channel.unary_unary(f"/{service}/{name}", request.SerializeToString, response.FromString)
    message = json_format.ParseDict(fields, request())
    return json_format.MessageToDict(obey(lambda: make(message, metadata=metadata, timeout=60)))


services = Reflection("v1").services()
assert services == Reflection("v1alpha").services(), services
types = describe(Reflection("v1"), services)
methods = [method.full_name for name in services for method in types.pool.FindServiceByName(name).methods]
account = {"user": user, "password": "correct horse battery"}
token = call(types, "chatd.v1.AuthService.Register", account)["credentials"]["token"]
who = call(types, "chatd.v1.ChatService.WhoAmI", {}, [("authorization", f"Bearer {token}")])
print(json.dumps({"services": services, "methods": methods, "user": who["user"]}))
