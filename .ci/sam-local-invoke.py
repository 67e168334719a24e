"""Sends events to the functions in their containers, one after another, and checks what comes back.

usage: sam-local-invoke.py EVENTS WORK OPTION...

EVENTS has a line for each event: the function's logical id, the event file, the status and a word that the answer must
have, and the action that the function must have made the local AWS allow while it answered. WORK is where env.json lies,
and aws/ as the local AWS writes it. The options go to `sam local invoke`. The runtime emulator answers 200 for a
function that failed and doesn't bear invokes at the same time: so the answer itself is read, and one is sent at a time.
"""

import json
import os
import subprocess
import sys
import time


def main(events_file, work, *options):
    outcomes = open(os.environ.get("ARNGATE_ANSWERS_LOG", os.devnull), "w", encoding="utf-8")
    failed = 0
    rows = read_rows(events_file)
    for function, event, status, word, action in rows:
        started = time.monotonic()
        seen = len(read_calls(work))
        answer, log = invoke(work, function, event, options)
        calls = read_calls(work)[seen:]
        faults = check(answer, calls, int(status), word, action)
        failed += bool(faults)
        print(f"{'FAILED' if faults else 'passed'}  {function} {event}, {time.monotonic() - started:.1f} s")
        print(f"        {str(answer.get('statusCode'))} {summary(answer)}")
        for call in calls:
            print(f"        {'allowed' if call['allowed'] else 'DENIED '} {call['action']} to {call['principal']}")
        for fault in faults:
            print(f"        fault: {fault}")
        if faults:
            print(log)
        print("failed" if faults else "passed", event, file=outcomes)
        sys.stdout.flush()
    print(f"{len(rows) - failed} answers passed, {failed} failed")
    return 1 if failed or not rows else 0


def read_rows(events_file):
    with open(events_file, encoding="utf-8") as lines:
        return [line.split() for line in lines if line.strip() and not line.startswith("#")]


def read_calls(work):
    path = os.path.join(work, "aws", "calls.jsonl")
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.endswith("\n")]


def invoke(work, function, event, options):
    """Returns the function's answer, {} if it isn't a JSON object, and what SAM and the function logged."""
    environment = dict(os.environ)
    environment.pop("AWS_PROFILE", None)
    with open(os.path.join(work, "aws", function + ".env"), encoding="utf-8") as lines:
        environment.update(line.strip().split("=", 1) for line in lines if "=" in line)
    command = ["sam", "local", "invoke", function, "--event", event, "--env-vars", os.path.join(work, "env.json")]
    done = subprocess.run(
        [*command, *options], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180, check=False
    )
    try:
        answer = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        answer = {}
    return (answer if isinstance(answer, dict) else {}), done.stdout + done.stderr


def check(answer, calls, status, word, action):
    faults = []
    if answer.get("statusCode") != status:
        faults.append(f"the status is not {status}")
    if word not in str(answer.get("body")):
        faults.append(f"the body doesn't have {word}")
    if action != "-" and not any(call["action"] == action and call["allowed"] for call in calls):
        faults.append(f"the local AWS saw no {action} from this container")
    return faults


def summary(answer):
    body = str(answer.get("body", "")).strip()
    return body if len(body) <= 160 else body[:160] + " ..."


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
