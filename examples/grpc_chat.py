#!/usr/bin/env python3
"""Sends a message over gRPC, and prints what was said: CHATD_PASSWORD=... PYTHONPATH=stubs grpc_chat.py HOST:PORT USER TO TEXT

Needs python3-grpcio (Debian), and stubs: mkdir stubs, and protoc -I proto --python_out=stubs --grpc_out=stubs
--plugin=protoc-gen-grpc=/usr/bin/grpc_python_plugin proto/chatd/v1/*.proto (protobuf-compiler, protobuf-compiler-grpc).
"""
import os, sys, time, uuid
import grpc
from chatd.v1 import auth_pb2, auth_service_pb2_grpc, chat_pb2, chat_service_pb2_grpc

address, user, to, text = sys.argv[1:]
channel = grpc.insecure_channel(address)
login = auth_pb2.LogInRequest(user=user, password=os.environ["CHATD_PASSWORD"], device_name="grpc_chat.py")
token = auth_service_pb2_grpc.AuthServiceStub(channel).LogIn(login).credentials.token
metadata = [("authorization", f"Bearer {token}")]
# The id of a message is a UUIDv7 (RFC 9562), the time first; sending the same again returns the first result.
number = int(time.time() * 1000) << 80 | uuid.uuid4().int & (1 << 76) - 1 | 7 << 76
message_id = str(uuid.UUID(int=number & ~(3 << 62) | 2 << 62))
chat = chat_service_pb2_grpc.ChatServiceStub(channel)
chat.Send(chat_pb2.SendRequest(to=to, id=message_id, text=text), metadata=metadata)
for message in chat.History(chat_pb2.HistoryRequest(**{"with": to}), metadata=metadata).messages:
    print(f"{message.sender}: {message.text}")
auth_service_pb2_grpc.AuthServiceStub(channel).LogOut(auth_pb2.LogOutRequest(), metadata=metadata)
