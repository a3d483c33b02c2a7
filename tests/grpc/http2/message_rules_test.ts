import assert from "node:assert/strict";
import { ErrorCode } from "../../../src/grpc/http2/errors.ts";
import { Flag } from "../../crash/http2_frames.ts";
import { data, headers, hold, peerOfServer, post, resetsOf, type Rule, testRules, whole } from "./rules.ts";

const { protocolError, streamClosed } = ErrorCode;

const withField = (name: string, value: string) => whole(1, [...post, [name, value]]);

/** Requests and trailers (RFC 9113, section 8). */
const rules: Rule[] = [
  {
    section: "8.1",
    rule: "trailers without END_STREAM",
    send: [headers(), headers([["a", "b"]])],
    outcome: { reset: protocolError },
  },
  { section: "8.1", rule: "trailers with END_STREAM", send: [headers(), whole(1, [["a", "b"]])], outcome: "goes on" },
  {
    section: "8.1",
    rule: "trailers with a pseudo-header field",
    send: [headers(), whole(1, [[":method", "POST"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.1.1",
    rule: "a body shorter than content-length",
    send: [headers([...post, ["content-length", "2"]]), data(1, 1, Flag.endStream)],
    outcome: { reset: protocolError },
  },
  {
    section: "8.1.1",
    rule: "a body as long as content-length",
    send: [headers([...post, ["content-length", "1"]]), data(1, 1, Flag.endStream)],
    outcome: "goes on",
  },
  {
    section: "8.2.1",
    rule: "a field's name in uppercase",
    send: [withField("Name", "x")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.1",
    rule: "a field's value with a line feed",
    send: [withField("name", "a\nb")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.1",
    rule: "a field's value that begins with a space",
    send: [withField("name", " a")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.2",
    rule: "a field of a connection",
    send: [withField("connection", "close")],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.2",
    rule: "te with another value than trailers",
    send: [withField("te", "gzip")],
    outcome: { reset: protocolError },
  },
  { section: "8.2.2", rule: "te: trailers", send: [withField("te", "trailers")], outcome: "goes on" },
  {
    section: "8.3",
    rule: "an unknown pseudo-header field",
    send: [whole(1, [...post, [":strange", "x"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3",
    rule: "a pseudo-header field of a response",
    send: [whole(1, [...post, [":status", "200"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3",
    rule: "a pseudo-header field after a regular one",
    send: [whole(1, [["a", "b"], ...post])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3",
    rule: "a pseudo-header field twice",
    send: [whole(1, [...post, [":path", "/c"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.1",
    rule: "a request without :path",
    send: [whole(1, [[":method", "POST"], [":scheme", "http"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.1",
    rule: "a request with an empty :path",
    send: [whole(1, [[":method", "POST"], [":scheme", "http"], [":path", ""]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.1",
    rule: "a request without :method",
    send: [whole(1, [[":scheme", "http"], [":path", "/"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.1",
    rule: "DATA after trailers",
    send: [headers(), whole(1, [["a", "b"]]), data(1, 1)],
    outcome: { reset: streamClosed },
  },
  {
    section: "8.1.1",
    rule: "a body longer than content-length, before it ends",
    send: [headers([...post, ["content-length", "2"]]), data(1, 3)],
    outcome: { reset: protocolError },
  },
  ...["x", "-1", "1, 1", "", "1".repeat(16)].map((value): Rule => ({
    section: "8.1.1",
    rule: `content-length of "${value}"`,
    send: [headers([...post, ["content-length", value]])],
    outcome: { reset: protocolError },
  })),
  ...["a b", "a:b", "caf\xe9", "", "a\x00", "a\x7f"].map((name): Rule => ({
    section: "8.2.1",
    rule: `a field's name of ${JSON.stringify(name)}`,
    send: [withField(name, "x")],
    outcome: { reset: protocolError },
  })),
  ...["a\x00b", "a\rb", "a\t", "\ta", "a "].map((value): Rule => ({
    section: "8.2.1",
    rule: `a field's value of ${JSON.stringify(value)}`,
    send: [withField("name", value)],
    outcome: { reset: protocolError },
  })),
  {
    section: "8.2.1",
    rule: "a line feed in a pseudo-header field",
    send: [whole(1, [[":method", "POST"], [":scheme", "http"], [":path", "/a\nb"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.1",
    rule: "tabs within values, empty values and octets from 128 up",
    send: [whole(1, [...post, ["a", "b\tc"], ["d", ""], ["e", "\xff"]])],
    outcome: "goes on",
  },
  ...["keep-alive", "proxy-connection", "transfer-encoding", "upgrade"].map((name): Rule => ({
    section: "8.2.2",
    rule: `the field ${name}`,
    send: [withField(name, "x")],
    outcome: { reset: protocolError },
  })),
  {
    section: "8.2.2",
    rule: "a field of a connection in trailers",
    send: [headers(), whole(1, [["connection", "close"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.2.3",
    rule: "a cookie in several fields",
    send: [whole(1, [...post, ["cookie", "a=b"], ["cookie", "c=d"]])],
    outcome: "goes on",
  },
  {
    section: "8.3",
    rule: "a pseudo-header field in uppercase",
    send: [whole(1, [[":method", "POST"], [":scheme", "http"], [":Path", "/"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.3.1",
    rule: "a request without :scheme",
    send: [whole(1, [[":method", "POST"], [":path", "/"]])],
    outcome: { reset: protocolError },
  },
  ...Object.entries({ "without a slash": ["POST", "a/b"], "of * with POST": ["POST", "*"] }).map((
    [name, [method, path]],
  ): Rule => ({
    section: "8.3.1",
    rule: `a path ${name}`,
    send: [whole(1, [[":method", method], [":scheme", "http"], [":path", path]])],
    outcome: { reset: protocolError },
  })),
  {
    section: "8.3.1",
    rule: "a path of * with OPTIONS",
    send: [whole(1, [[":method", "OPTIONS"], [":scheme", "http"], [":path", "*"]])],
    outcome: "goes on",
  },
  ...["", "PO ST", "POST/"].map((method): Rule => ({
    section: "8.3.1",
    rule: `a method of "${method}"`,
    send: [whole(1, [[":method", method], [":scheme", "http"], [":path", "/"]])],
    outcome: { reset: protocolError },
  })),
  {
    section: "8.5",
    rule: "CONNECT with an authority",
    send: [headers([[":method", "CONNECT"], [":authority", "a:1"]])],
    outcome: "goes on",
  },
  {
    section: "8.5",
    rule: "CONNECT without an authority",
    send: [headers([[":method", "CONNECT"]])],
    outcome: { reset: protocolError },
  },
  {
    section: "8.5",
    rule: "CONNECT with a path",
    send: [headers([[":method", "CONNECT"], [":authority", "a:1"], [":path", "/"], [":scheme", "http"]])],
    outcome: { reset: protocolError },
  },
];

testRules(rules, peerOfServer);

Deno.test("RFC 9113, 8.1.1: a malformed request does not reach its handler", () => {
  let requests = 0;
  const peer = peerOfServer({
    onRequest: (stream) => {
      requests++;
      hold(stream);
    },
  });
  const answers = peer.exchange(
    whole(1, [...post, ["content-length", "1"]]),
    whole(3, [...post, ["Name", "x"]]),
    whole(5, [[":method", "POST"]]),
  );
  assert.deepEqual(resetsOf(answers), [[1, protocolError], [3, protocolError], [5, protocolError]]);
  assert.equal(requests, 0);
});

Deno.test("RFC 9113, 5.1: a stream that its owner resets within its last DATA has no further event", () => {
  const events: string[] = [];
  const peer = peerOfServer({
    onRequest: (stream) => {
      stream.events = {
        onData: () => stream.reset(ErrorCode.cancel),
        onEnd: () => events.push("end"),
        onClose: () => events.push("close"),
      };
    },
  });
  peer.exchange(headers(), data(1, 1, Flag.endStream));
  assert.deepEqual(events, ["close"]);
});
