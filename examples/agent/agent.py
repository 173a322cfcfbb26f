#!/usr/bin/env python3
"""A plain agent: takes runs from a MarkCo cloud and executes their Python here, as you, with nothing in between.

    markco agents add NAME                          # on the machine of the cloud: prints the token, once
    MARKCO_AGENT_TOKEN=… python3 agent.py https://cloud.example.com

Python 3.9 or newer on Linux or macOS, and websocket.py beside it; nothing to install. Whoever runs that cloud can run
anything here. Message by message: docs/protocol/agents.md.
"""
import ast, contextlib, datetime, io, os, platform, queue, signal, sys, threading, time, traceback, uuid
from websocket import Refused, WebSocket

WINDOW = 200  # messages that the cloud has not acknowledged: at it the cell waits
PIECE = 100_000  # characters in one message
FINAL = (401, 403, 4401, 4403)  # removed, or somebody else has the token: to come again would change nothing


class Request:
    """A cell, and what it said that the cloud does not have yet."""

    def __init__(self, agent, message):
        self.agent, self.id, self.body = agent, message["message_id"], message["body"]
        self.unsent, self.next, self.room, self.typed = [], 0, threading.Condition(agent.lock), queue.Queue()
        self.asks = self.stop = self.speaking = self.ending = self.over = False

    def say(self, event, data):
        self.speaking = True
        with self.room:
            while len(self.unsent) >= WINDOW and not self.stop:
                self.room.wait()
            message = {"type": "MRP_RESPONSE", "reply_to": self.id, "seq": self.next, "event": event, "data": data}
            self.unsent.append(message)
            self.next, self.over = self.next + 1, event in ("result", "error")
            self.agent.send(message)  # with the lock: nothing overtakes what is sent again
        self.speaking = False
        self.check()

    def check(self, *_):
        if self.stop and not self.speaking and not self.ending:
            self.stop = False
            raise KeyboardInterrupt

    def received(self, next_seq):
        with self.room:
            self.unsent = [each for each in self.unsent if each["seq"] >= next_seq]
            self.room.notify_all()

    def interrupt(self):
        self.stop = True
        with self.room:
            self.room.notify_all()
        signal.pthread_kill(threading.main_thread().ident, signal.SIGUSR1)


class Out(io.TextIOBase):
    def __init__(self, agent, event):
        self.agent, self.event, self.line = agent, event, ""

    def write(self, text):
        self.line += text
        if "\n" in text or len(self.line) > PIECE:
            self.flush()
        return len(text)

    def flush(self):
        text, self.line, request = self.line, "", self.agent.running
        for at in range(0, len(text) if request and not request.ending else 0, PIECE):
            request.say(self.event, {"content": text[at : at + PIECE]})


class Agent:
    def __init__(self, url, token):
        self.url, self.token, self.instance = url, token, str(uuid.uuid4())
        self.user, self.socket, self.ready, self.count = None, None, False, 0
        self.lock = threading.RLock()
        self.requests, self.sessions, self.cells, self.running = {}, {}, queue.Queue(), None
        signal.signal(signal.SIGUSR1, lambda *_: self.running and self.running.check())

    def send(self, message):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        whole = {"message_id": str(uuid.uuid4()), "user_id": self.user, "timestamp": now, **message}
        with contextlib.suppress(OSError):  # what is not acknowledged is sent again
            if self.ready or message["type"] == "REGISTER":
                self.socket.send(whole)

    def stay_connected(self):
        while True:
            try:
                self.ready, self.socket = False, WebSocket(self.url, "/api/agents/connect", self.token)
                self.user = self.socket.receive()["user_id"]  # DEVICE_LIST, which says who this is
                runtime = {"runtime_id": "python", "language": "python", "version": platform.python_version()}
                running = [{"request_id": each} for each in self.requests]
                self.send({"type": "REGISTER", "instance": self.instance, "os": platform.system(), "runtimes": [runtime], "running": running})
                while True:
                    self.take(self.socket.receive())
            except (OSError, Refused) as error:
                print(error, file=sys.__stderr__, flush=True)
                if getattr(error, "code", None) in FINAL:
                    os._exit(1)
                time.sleep(1)

    def beat(self):
        while True:
            time.sleep(10)
            self.send({"type": "HEARTBEAT"})

    def take(self, message):
        kind, path, body = message["type"], message.get("path"), message.get("body")
        if kind == "REGISTER":
            for each in message["forget"]:
                self.requests.pop(each).interrupt()  # nobody waits for it any more
            with self.lock:
                self.ready = True
                for each in message["resume"]:
                    request = self.requests[each["request_id"]]
                    request.received(each["next_seq"])
                    for unsent in list(request.unsent):
                        self.send(unsent)
            print("connected", file=sys.__stderr__, flush=True)
        elif kind == "HEARTBEAT":
            for each in message["received"]:
                request = self.requests.get(each["request_id"])
                if request:
                    request.received(each["next_seq"])
                    if request.over and not request.unsent:
                        del self.requests[request.id]
        elif kind == "ERROR":
            print(message["message"], file=sys.__stderr__, flush=True)
        elif kind == "MRP_REQUEST" and path == "/mrp/v1/execute/stream":
            if message["message_id"] not in self.requests:
                request = self.requests[message["message_id"]] = Request(self, message)
                self.cells.put(request)
        elif kind == "MRP_REQUEST":
            answer = self.answer(path, body)
            status = 501 if "error" in answer else 200
            self.send({"type": "MRP_RESPONSE", "reply_to": message["message_id"], "status": status, "body": answer})
            if answer.get("accepted"):  # after the answer: what the cell prints then comes after it
                self.requests[body["exec_id"]].typed.put(body["text"])

    def answer(self, path, body):
        request = self.requests.get(body.get("exec_id") or body.get("execId"))
        if path == "/mrp/v1/input":
            accepted = bool(request and request.asks)
            if accepted:
                request.asks = False
            return {"accepted": accepted}
        if path == "/mrp/v1/interrupt":
            if request:
                request.interrupt()
            return {"interrupted": bool(request)}
        if path == "/mrp/v1/variables":
            named = [each for each in dict(self.sessions.get(body["session"], {})).items() if each[0][0] != "_" and each[0] != "input"]
            rows = [{"name": name, "type": type(value).__name__, "value": repr(value)[:200], "expandable": False} for name, value in named[:500]]
            return {"variables": rows, "count": len(named), "truncated": len(named) > 500}
        return {"error": "this agent cannot do that"}

    def ask(self, prompt=""):
        request = self.running
        request.asks = True
        request.say("stdin_request", {"prompt": str(prompt), "password": False})
        return request.typed.get().rstrip("\n")

    def execute(self, request):
        names = self.sessions.setdefault(request.body["session"], {"__name__": "__main__", "input": self.ask})
        tree = ast.parse(request.body["code"], "<cell>")
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), names)
        return None if last is None else eval(compile(ast.Expression(last.value), "<cell>", "eval"), names)

    def run(self, request):
        self.running, began, self.count = request, time.time(), self.count + 1
        try:
            request.say("start", {})
            value = self.execute(request)
            text = None if value is None else repr(value)[:PIECE]
            last = "result", {"result": text, "executionCount": self.count, "duration": (time.time() - began) * 1000}
        except BaseException as error:
            lines = traceback.format_exception(type(error), error, error.__traceback__)
            last = "error", {"type": type(error).__name__, "message": str(error)[:PIECE], "traceback": "".join(lines[:1] + lines[3:]).split("\n")[-500:]}
        sys.stdout.flush()
        sys.stderr.flush()
        request.ending = True
        request.say(*last)


if __name__ == "__main__":
    agent = Agent(sys.argv[1].rstrip("/"), os.environ["MARKCO_AGENT_TOKEN"])
    sys.stdout, sys.stderr = Out(agent, "stdout"), Out(agent, "stderr")
    for work in (agent.stay_connected, agent.beat):
        threading.Thread(target=work, daemon=True).start()
    while True:  # cells run here, one after another: only the main thread can be interrupted
        agent.run(agent.cells.get())
