"""Runs every sample event through the functions in their containers, and checks what comes back.

usage: sam-local.py WORK BRIDGE OPTION...

Each file of events/ goes to its function by `sam local invoke`, with a local AWS and a demo of its own; what it must be
answered with is what the tests hold its handler to, in functions/local/deployment/testdata/answers.txt. An event that isn't
there, an answer without an event and a function without one fail. Then requests go through `sam local start-api`, which
has no authorizer: what is public answers, and everything else is refused, whatever token it brings.

WORK is a folder for what is written meanwhile, BRIDGE the address at which containers reach this machine. The options go
to the SAM CLI. The runtime emulator answers 200 for a function that failed and doesn't bear invokes at the same time: so
the answer itself is read, and one is sent at a time.
"""

import contextlib
import glob
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

ANSWERS = "functions/local/deployment/testdata/answers.txt"
PORT = 4566  # of the local AWS on the bridge, as events/local-env.json has it


def main(work, bridge, *options):
    outcomes = Outcomes()
    with open("events/local-env.json", encoding="utf-8") as lines:
        text = lines.read().replace("//172.17.0.1:", f"//{bridge}:")
    environment = os.path.join(work, "env.json")
    with open(environment, "w", encoding="utf-8") as out:
        out.write(text)
    options = ["--env-vars", environment, *options]
    run_events(work, bridge, options, outcomes)
    run_api(work, bridge, options, outcomes)
    print(f"{outcomes.passed} answers passed, {outcomes.failed} failed")
    return 1 if outcomes.failed or not outcomes.passed else 0


class Outcomes:
    """Counts what passed and failed, says it, and writes it to ARNGATE_ANSWERS_LOG."""

    def __init__(self):
        self.passed = self.failed = 0
        self.log = open(os.environ.get("ARNGATE_ANSWERS_LOG", os.devnull), "w", encoding="utf-8")

    def add(self, name, faults, started, *details):
        self.passed += not faults
        self.failed += bool(faults)
        print(f"{'FAILED' if faults else 'passed'}  {name}, {time.monotonic() - started:.1f} s")
        for line in [*details, *(f"fault: {fault}" for fault in faults)]:
            print(f"        {line}")
        print("failed" if faults else "passed", name, file=self.log, flush=True)
        sys.stdout.flush()


def run_events(work, bridge, options, outcomes):
    answers = read_answers()
    functions, missing = set(), set()
    for path in sorted(glob.glob("events/*-*.json")):
        name = os.path.basename(path).removesuffix(".json")
        if name == "local-env":
            continue
        started = time.monotonic()
        with LocalAWS(work, bridge) as aws:
            function = aws.function(name)
            functions.add(function)
            answer, calls, log = aws.invoke(function, path, options)
            missing = aws.functions() - functions
        expected = answers.pop(name, None)
        faults = check(answer, calls, expected) if expected else ["nobody has said what this event is answered with"]
        seen = ", ".join(sorted({("" if call["allowed"] else "DENIED ") + call["action"] for call in calls}))
        details = [summary(answer), seen or "no call", *(log.splitlines() if faults else [])]
        outcomes.add(f"{function} {path}", faults, started, *details)
    for name in answers:
        outcomes.add(f"{name} of {ANSWERS}", ["there is no such event"], time.monotonic())
    for function in sorted(missing):
        outcomes.add(function, ["no event is for it"], time.monotonic())


def read_answers():
    """Returns what each event is answered with: status, account, action and text, empty where it doesn't matter."""
    answers = {}
    with open(ANSWERS, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, status, call, *text = line.split()
                account, _, action = call.strip("-").partition("/")
                answers[name] = (int(status.strip("-") or 0), account, action, " ".join(text))
    return answers


def check(answer, calls, expected):
    status, account, action, text = expected
    faults = []
    if answer.get("statusCode", 0) != status:
        faults.append(f"the status is not {status}")
    if text not in body(answer):
        faults.append(f"the answer doesn't have {text}")
    if action and not any(c["allowed"] and c["action"] == action and f"::{account}:" in c["principal"] for c in calls):
        faults.append(f"the local AWS allowed no {action} to a principal of {account}")
    return faults


def body(answer):
    """Returns an HTTP answer's body, or the whole of an answer that is none."""
    if "statusCode" in answer:
        return str(answer.get("body", ""))
    return json.dumps(answer, separators=(",", ":"))


def summary(answer):
    text = " ".join(f"{answer.get('statusCode', '')} {body(answer)}".split())
    return text if len(text) <= 160 else text[:160] + " ..."


class LocalAWS:
    """A local AWS on the bridge, with the demo customer and site, as long as the context lasts."""

    def __init__(self, work, bridge):
        self.folder = os.path.join(work, "aws")
        self.log = os.path.join(work, "local.log")
        self.address = f"{bridge}:{PORT}"

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        for name in os.listdir(self.folder):
            os.remove(os.path.join(self.folder, name))
        with open(self.log, "w", encoding="utf-8") as log:
            command = ["bin/local", "-api", "127.0.0.1:0", "-aws", "127.0.0.1:0", "-containers", self.folder, "-bridge", self.address]
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        ready = os.path.join(self.folder, "ready")
        if wait(lambda: os.path.exists(ready), self.process):
            return self
        self.__exit__()
        with open(self.log, encoding="utf-8") as log:
            sys.exit(f"The local AWS doesn't start:\n{log.read()}")

    def __exit__(self, *_):
        end(self.process)

    def functions(self):
        return {name.removesuffix(".env") for name in os.listdir(self.folder) if name.endswith(".env")}

    def function(self, event):
        """Returns the function that the event is for, by the event's name."""
        wanted = event.partition("-")[0] + "function"
        found = [function for function in self.functions() if function.lower() == wanted]
        return found[0] if found else sys.exit(f"The template has no function for the event {event}.")

    def environment(self, function):
        """Returns this process's environment with credentials of the function's role."""
        environment = dict(os.environ)
        environment.pop("AWS_PROFILE", None)
        with open(os.path.join(self.folder, function + ".env"), encoding="utf-8") as lines:
            environment.update(line.strip().split("=", 1) for line in lines if "=" in line)
        return environment

    def calls(self):
        with open(os.path.join(self.folder, "calls.jsonl"), encoding="utf-8") as lines:
            return [json.loads(line) for line in lines if line.endswith("\n")]

    def invoke(self, function, event, options):
        """Returns the answer, {} if it isn't a JSON object; the calls that came meanwhile; and what SAM logged."""
        command = ["sam", "local", "invoke", function, "--event", event, *options]
        done = subprocess.run(
            command, env=self.environment(function), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False
        )
        try:
            answer = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, json.JSONDecodeError):
            answer = None
        return (answer if isinstance(answer, dict) else {}), self.calls(), done.stdout + done.stderr


def run_api(work, bridge, options, outcomes):
    """Sends requests through `sam local start-api`: the public ones, and one for each function that needs a caller."""
    with LocalAWS(work, bridge) as aws, start_api(work, aws, options) as url:
        for path, status, text in [("/v1/health", 200, '"ok"'), ("/v1/openapi.json", 200, '"openapi"')]:
            send(outcomes, "GET", url + path, {}, None, status, text)
        for function in sorted(aws.functions()):
            event = first_request(aws, function)
            if event:
                http, token = event["requestContext"]["http"], event["headers"]["authorization"]
                headers = {"Authorization": token, "Content-Type": "application/json"}
                target = url + http["path"] + ("?" + event["rawQueryString"] if event["rawQueryString"] else "")
                data = event["body"].encode() if event.get("body") else None
                send(outcomes, http["method"], target, headers, data, 401, "caller_missing")


def first_request(aws, function):
    """Returns the first of the function's events that is a request with a token; None if it has none."""
    for path in sorted(glob.glob("events/*-*.json")):
        name = os.path.basename(path).removesuffix(".json")
        if name != "local-env" and aws.function(name) == function:
            with open(path, encoding="utf-8") as lines:
                event = json.load(lines)
            if "authorization" in event.get("headers", {}):
                return event
    return None


@contextlib.contextmanager
def start_api(work, aws, options):
    """Runs `sam local start-api` and gives its address. SAM runs every function with one set of credentials."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = os.path.join(work, "start-api.log")
    with open(path, "w", encoding="utf-8") as log:
        command = ["sam", "local", "start-api", "--host", "127.0.0.1", "--port", str(port), *options]
        environment = aws.environment("ConfigurationFunction")
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        if not wait(lambda: listening(port), process):
            with open(path, encoding="utf-8") as log:
                sys.exit(f"sam local start-api doesn't start:\n{log.read()}")
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process)


def send(outcomes, method, url, headers, data, status, text):
    started = time.monotonic()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        answer = opener.open(request, timeout=60)
    except urllib.error.HTTPError as refused:
        answer = refused
    with answer:
        got, content = answer.status, answer.read().decode()
    faults = [] if got == status else [f"the status is {got}, not {status}"]
    if text not in content:
        faults.append(f"the body doesn't have {text}")
    outcomes.add(f"start-api {method} {urllib.parse.urlsplit(url).path}", faults, started, f"{got} {' '.join(content.split())[:160]}")


def listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait(ready, process):
    """Waits up to a minute until ready() is true; False if it isn't then, or the process ends before."""
    for _ in range(1200):
        if ready():
            return True
        if process.poll() is not None:
            return False
        time.sleep(0.05)
    return False


def end(process):
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
