"""Transforms template.yaml as CloudFormation's macro does, and holds what comes out to what Arngate promises.

usage: transform.py

The transform is aws-sam-translator's, which is AWS's own. What it makes is evaluated for deployments with parameters of
their own, Conditions and Fn::If included: a first one, one that takes up what an earlier one has left behind, and those in
between. Each rule must hold in each of them; and each rule must be broken, by name, when what it is about is taken
out of the template or put wrong: that is tried for every function, route, alarm, log group and resource that is retained.

  ARNGATE_TEMPLATE_LOG=FILE   write `passed NAME` or `failed NAME` for each rule and for each fault that was tried
"""

import copy
import itertools
import json
import logging
import os
import sys
import typing

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

ACCOUNT, REGION, STACK = "111122223333", "eu-central-1", "arngate"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::StackName": STACK,
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
# What outlives the stack, by the parameter that takes it up again.
KEPT = {
    "ExistingGatewayRoleArn": ("GatewayRole", f"arn:aws:iam::{ACCOUNT}:role/arngate-eu-central-1-gateway"),
    "ExistingKeyArn": ("Key", f"arn:aws:kms:{REGION}:{ACCOUNT}:key/0b5dbb5c-8a1b-4b8e-9d52-3f1f6f0f7b11"),
    "ExistingRegistryTable": ("Registry", "arngate-Registry-1ABCDEFGHIJKL"),
    "ExistingAuditsTable": ("Audits", "arngate-Audits-2ABCDEFGHIJKL"),
}
# What each is taken up from: an output of the earlier deployment, and how that names the new one.
OUTPUTS = {
    "ExistingGatewayRoleArn": ("GatewayRoleArn", "<GatewayRole.Arn>"),
    "ExistingKeyArn": ("KeyArn", "<Key.Arn>"),
    "ExistingRegistryTable": ("RegistryTable", "<Registry>"),
    "ExistingAuditsTable": ("AuditsTable", "<Audits>"),
}
# Who has a role of their own; every other function runs under the gateway role.
OWN_ROLES = {"ConfigurationFunction": "ConfigurationRole", "AuditScheduleFunction": "AuditScheduleRole"}
GIVEN = {
    "JwtIssuer": "https://issuer.example",
    "JwtAudience": "arngate,arngate-mobile",
    "CorsOrigins": "https://app.example,https://admin.example",
    "AlarmTopicArn": f"arn:aws:sns:{REGION}:{ACCOUNT}:pager",
}
NOTHING = object()  # AWS::NoValue


def main():
    logging.disable(logging.CRITICAL)  # of the transform, about metrics of its own
    with open("template.yaml", encoding="utf-8") as text:
        document = yaml_parse(text.read())
    with open("functions/configuration/openapi.json", encoding="utf-8") as text:
        openapi = json.load(text)
    log = open(os.environ.get("ARNGATE_TEMPLATE_LOG", os.devnull), "w", encoding="utf-8")
    passed = failed = 0
    for name, faults in itertools.chain(hold(document, openapi), tried(document, openapi)):
        passed += not faults
        failed += bool(faults)
        print("failed" if faults else "passed", name, file=log)
        for fault in faults:
            print(f"FAILED  {name}: {fault}")
    print(f"The transformed template: {passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def hold(document, openapi):
    """Yields each rule's name with its faults, over all deployments."""
    found = {rule.__name__: [] for rule in RULES}
    for name, fault in faults_of(document, openapi, deployments()):
        found[name].append(fault)
    for name, faults in found.items():
        yield "rule " + name, faults


def tried(document, openapi):
    """Yields each fault that was put into the template, with why it wasn't found by the rule that it breaks.

    Faults of one kind don't hide each other, and are put in all at once: a transform takes a while. The kind None does.
    """
    kinds = {}
    for number, fault in enumerate(mutants(document)):
        kinds.setdefault(fault.kind or number, []).append(fault)
    for faults in kinds.values():
        broken = copy.deepcopy(document)
        for fault in faults:
            fault.change(broken)
        first, again, *_ = deployments()
        found = list(faults_of(broken, openapi, [again if faults[0].rule == "nothing_dangles" else first]))
        for fault in faults:
            named = any(rule == fault.rule and fault.about in text for rule, text in found)
            yield f"{fault.rule} finds {fault.about}, {fault.kind or 'alone'}", [] if named else ["it doesn't"]


def deployments():
    """Yields the parameters of deployments: all new, all taken up again, then every mixture, and with nothing optional."""
    yield dict(GIVEN)
    yield GIVEN | {parameter: value for parameter, (_, value) in KEPT.items()}
    for taken in itertools.chain(itertools.combinations(KEPT, 1), itertools.combinations(KEPT, len(KEPT) - 1)):
        yield GIVEN | {parameter: KEPT[parameter][1] for parameter in taken}
    yield {"JwtIssuer": GIVEN["JwtIssuer"], "JwtAudience": "arngate"}


def faults_of(document, openapi, parameters):
    for given in parameters:
        try:
            stack = Stack(document, given, openapi)
            for rule in RULES:
                for fault in rule(stack):
                    yield rule.__name__, fault
        except Dangling as fault:
            yield "nothing_dangles", str(fault)


class Dangling(Exception):
    """Something refers to what this deployment doesn't have."""


class Policies:
    """The managed policies that the transform would look up: none are used."""

    def load(self):
        return {}


class Stack:
    """The resources and outputs that CloudFormation would make of the template with the given parameters."""

    def __init__(self, document, given, openapi):
        self.document, self.given, self.openapi = document, given, openapi
        source = copy.deepcopy(document)
        for function in of_type(source, "AWS::Serverless::Function").values():
            function["Properties"]["CodeUri"] = "s3://artifacts/function.zip"  # as `sam package` would
        source["Globals"]["Function"].pop("CodeUri", None)
        self.parameters = {name: p.get("Default") for name, p in source["Parameters"].items()} | given
        self.made = transform(source, dict(self.parameters) | PSEUDO, Policies())
        there = {name: r for name, r in self.made["Resources"].items() if "Condition" not in r or self.condition(r["Condition"])}
        self.there = set(there)
        self.resources = {name: r | {"Properties": self.resolve(r.get("Properties", {}), name)} for name, r in there.items()}
        self.outputs = {name: self.resolve(o["Value"], name) for name, o in self.made.get("Outputs", {}).items()}

    def of(self, kind):
        return {name: r["Properties"] for name, r in self.resources.items() if r["Type"] == kind}

    def functions(self):
        return self.of("AWS::Lambda::Function")

    def condition(self, value):
        if isinstance(value, str):
            return self.condition(self.made["Conditions"][value])
        ((kind, argument),) = value.items()
        if kind == "Fn::Equals":
            left, right = (str(self.resolve(side, "Conditions")) for side in argument)
            return left == right
        if kind == "Fn::Not":
            return not self.condition(argument[0])
        if kind in ("Fn::And", "Fn::Or"):
            return (all if kind == "Fn::And" else any)(self.condition(part) for part in argument)
        return self.condition(argument)  # Condition

    def resolve(self, value, where):
        if isinstance(value, list):
            return [item for item in (self.resolve(item, where) for item in value) if item is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            ((kind, argument),) = value.items()
            if kind == "Ref" or kind.startswith("Fn::"):
                return self.call(kind, argument, where)
        pairs = ((name, self.resolve(item, where)) for name, item in value.items())
        return {name: item for name, item in pairs if item is not NOTHING}

    def call(self, kind, argument, where):
        if kind == "Ref":
            return self.ref(argument, where)
        if kind == "Fn::GetAtt":
            name, _, attribute = (argument if isinstance(argument, str) else ".".join(argument)).partition(".")
            return f"<{self.named(name, where)}.{attribute}>"
        if kind == "Fn::If":
            return self.resolve(argument[1 if self.condition(argument[0]) else 2], where)
        if kind == "Fn::Sub":
            return self.substitute(argument, where)
        argument = self.resolve(argument, where)
        if kind == "Fn::Split":
            return argument[1].split(argument[0])
        if kind == "Fn::Select":
            return argument[1][int(argument[0])]
        if kind == "Fn::Join":
            return argument[0].join(argument[1])
        raise ValueError(f"{where}: {kind} is not known here")

    def ref(self, name, where):
        if name == "AWS::NoValue":
            return NOTHING
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.parameters:
            return self.parameters[name]
        return f"<{self.named(name, where)}>"

    def named(self, name, where):
        if name not in self.there:
            raise Dangling(f"{where} refers to {name}, which isn't there when {sorted(set(self.given) & set(KEPT)) or 'nothing'} is taken up")
        return name

    def substitute(self, argument, where):
        text, own = argument if isinstance(argument, list) else (argument, {})
        out = ""
        while "${" in text:
            before, _, rest = text.partition("${")
            name, _, text = rest.partition("}")
            if name in own:
                value = self.resolve(own[name], where)
            elif "." in name:
                value = self.call("Fn::GetAtt", name, where)
            else:
                value = self.ref(name, where)
            out += before + str(value)
        return out + text


# The rules. Each yields what is wrong, naming it.


def nothing_dangles(stack):
    """Every reference leads to something that this deployment has: finding that is the evaluation's work."""
    for parameter, (name, _) in KEPT.items():
        if (name in stack.there) == bool(stack.parameters.get(parameter)):
            yield f"{name} must be there without {parameter}, and only then"


def functions_run_as_they_should(stack):
    for name, function in stack.functions().items():
        wanted = f"<{OWN_ROLES[name]}.Arn>" if name in OWN_ROLES else stack.parameters["ExistingGatewayRoleArn"] or "<GatewayRole.Arn>"
        if function.get("Role") != wanted:
            yield f"{name} runs under {function.get('Role')}, not {wanted}"
        for member, value in {"Runtime": "provided.al2023", "Handler": "bootstrap", "Architectures": [stack.parameters["Architecture"]]}.items():
            if function.get(member) != value:
                yield f"{name} has {member} {function.get(member)}, not {value}"
        if not 0 < function.get("Timeout", 3) <= 900 or not function.get("MemorySize"):
            yield f"{name} has no timeout or no memory of its own"
    for name in stack.of("AWS::IAM::Role"):
        if name not in stack.document["Resources"]:
            yield f"{name} is a role that the template doesn't name"


def roles_are_apart(stack):
    """Only the gateway role assumes anything, and a role of one's own is nobody else's."""
    for name, role in stack.of("AWS::IAM::Role").items():
        text = json.dumps(role.get("Policies", []))
        if name != "GatewayRole" and ("sts:" in text or "kms:Decrypt" in text or "kms:GenerateDataKey" in text):
            yield f"{name} may assume roles or unseal"
        principals = [s["Principal"].get("Service") for s in role["AssumeRolePolicyDocument"]["Statement"]]
        if any(service not in ("lambda.amazonaws.com", "scheduler.amazonaws.com") for service in principals):
            yield f"{name} can be assumed by {principals}"
    holders = [f["Role"] for name, f in stack.functions().items() if name in OWN_ROLES]
    if len(holders) != len(set(holders)):
        yield "two functions share a role of their own"


def policies_renew_on_the_role_in_use(stack):
    existing = stack.parameters["ExistingGatewayRoleArn"]
    wanted = existing.partition("/")[2] if existing else "<GatewayRole>"
    policies = stack.of("AWS::IAM::RolePolicy")
    if not policies:
        yield "no policy of its own renews the gateway role's rights"
    for name, policy in policies.items():
        if policy["RoleName"] != wanted:
            yield f"{name} is for {policy['RoleName']}, not {wanted}"
    if stack.resources.get("GatewayRole", {}).get("Properties", {}).get("Policies"):
        yield "GatewayRole has inline policies, which wouldn't renew on a role that is taken up"


def environment_follows_the_parameters(stack):
    wanted = {
        "ARNGATE_REGISTRY_TABLE": stack.parameters["ExistingRegistryTable"] or "<Registry>",
        "ARNGATE_AUDITS_TABLE": stack.parameters["ExistingAuditsTable"] or "<Audits>",
        "ARNGATE_KEY_ARN": stack.parameters["ExistingKeyArn"] or "<Key.Arn>",
        "ARNGATE_GATEWAY_ROLE_ARN": stack.parameters["ExistingGatewayRoleArn"] or "<GatewayRole.Arn>",
        "AWS_ENDPOINT_URL": "",
    }
    own = of_type(stack.document, "AWS::Serverless::Function")
    shared = set(stack.document["Globals"]["Function"]["Environment"]["Variables"])
    for name, function in stack.functions().items():
        variables = function.get("Environment", {}).get("Variables", {})
        declared = shared | set(own[name]["Properties"].get("Environment", {}).get("Variables", {}))
        if set(variables) != declared:
            yield f"{name} gets {sorted(set(variables) ^ declared)}, or doesn't, other than the template says"
        for variable, value in variables.items():
            if value != wanted.get(variable, value) or not isinstance(value, (str, int, float)):
                yield f"{name} gets {variable} as {value}"


def logs_end(stack):
    """Each function and the API write to a log group of their own, which forgets and which the role may write to."""
    groups = stack.of("AWS::Logs::LogGroup")
    for name, group in groups.items():
        if group.get("RetentionInDays") != stack.parameters["LogRetentionDays"]:
            yield f"{name} keeps logs for {group.get('RetentionInDays')} days"
    used = {}
    for name, function in stack.functions().items():
        group = function.get("LoggingConfig", {}).get("LogGroup", "")
        if group.strip("<>") not in groups:
            yield f"{name} logs to {group or 'a group that Lambda makes'}"
        elif group in used:
            yield f"{name} logs to {group}, as {used[group]} does"
        used[group] = name
        if f"<{group.strip('<>')}.Arn>" not in writable(stack, name):
            yield f"{name} may not write to {group}"
    for stage in stack.of("AWS::ApiGatewayV2::Stage").values():
        destination = stage.get("AccessLogSettings", {}).get("DestinationArn", "")
        if destination.strip("<>").removesuffix(".Arn") not in groups:
            yield "Api has no access log"
        used[f"<{destination.strip('<>').removesuffix('.Arn')}>"] = "Api"
    for name in groups:
        if f"<{name}>" not in used:
            yield f"{name} is written to by nobody"


def writable(stack, function):
    """Returns the log groups that the function's role may write to."""
    role = OWN_ROLES.get(function)
    statements = []
    if role in stack.resources:
        for policy in stack.resources[role]["Properties"].get("Policies", []):
            statements += policy["PolicyDocument"]["Statement"]
    elif not role:
        for policy in stack.of("AWS::IAM::RolePolicy").values():
            statements += policy["PolicyDocument"]["Statement"]
    found = set()
    for statement in statements:
        if {"logs:CreateLogStream", "logs:PutLogEvents"} <= set(listed(statement["Action"])):
            found |= set(listed(statement["Resource"]))
    return found


def alarms_watch_everything(stack):
    watched = {}
    for name, alarm in stack.of("AWS::CloudWatch::Alarm").items():
        topic = stack.parameters["AlarmTopicArn"]
        if alarm.get("AlarmActions", []) != ([topic] if topic else []):
            yield f"{name} goes to {alarm.get('AlarmActions', [])}"
        if not alarm.get("AlarmDescription") or alarm.get("TreatMissingData") not in ("notBreaching", "ignore"):
            yield f"{name} doesn't say what it means, or is raised by silence"
        for metric in metrics(alarm):
            for dimension in metric.get("Dimensions", []) or [{"Value": ""}]:
                watched.setdefault((metric["MetricName"], dimension["Value"]), name)
    for function in stack.functions():
        for metric in ("Errors", "Throttles"):
            if (metric, f"<{function}>") not in watched:
                yield f"no alarm watches {metric} of {function}"
    for queue in dead_letters(stack):
        if ("ApproximateNumberOfMessagesVisible", f"<{queue}.QueueName>") not in watched:
            yield f"no alarm watches the messages in {queue}"
    for metric, value in (("ProvidersUnusable", "<AuditWorkerFunction>"), ("Latency", "<Api>")):
        if (metric, value) not in watched:
            yield f"no alarm watches {metric} of {value}"


def metrics(alarm):
    if "MetricName" in alarm:
        return [alarm]
    return [m["MetricStat"]["Metric"] for m in alarm.get("Metrics", []) if "MetricStat" in m]


def dead_letters(stack):
    """Returns the queues that failed messages, invocations and schedules go to."""
    targets = [q.get("RedrivePolicy", {}).get("deadLetterTargetArn", "") for q in stack.of("AWS::SQS::Queue").values()]
    for config in stack.of("AWS::Lambda::EventInvokeConfig").values():
        targets.append(config.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", ""))
    for schedule in stack.of("AWS::Scheduler::Schedule").values():
        targets.append(schedule["Target"].get("DeadLetterConfig", {}).get("Arn", ""))
    return {target.strip("<>").partition(".")[0] for target in targets if target}


def routes_need_a_token(stack):
    """The API has the OpenAPI document's routes, to functions that it may invoke, and all but the public ones verify a token."""
    ((name, api),) = stack.of("AWS::ApiGatewayV2::Api").items()
    body = api["Body"]
    verifier = body["components"]["securitySchemes"]["Token"]["x-amazon-apigateway-authorizer"]
    wanted = {"issuer": stack.parameters["JwtIssuer"], "audience": stack.parameters["JwtAudience"].split(",")}
    if verifier["type"] != "jwt" or verifier["jwtConfiguration"] != wanted:
        yield f"the tokens' verifier is {verifier}"
    made = {(method.upper(), path): route for path, routes in body["paths"].items() for method, route in routes.items()}
    documented = {(method.upper(), path): o for path, operations in stack.openapi["paths"].items() for method, o in operations.items()}
    invoked = permissions(stack, name)
    for key in sorted(set(made) | set(documented)):
        label = " ".join(key)
        if key not in documented or key not in made:
            yield f"{label} is only in the {'document' if key in documented else 'template'}"
            continue
        public = documented[key].get("security") == []
        if made[key].get("security") != [{"NONE" if public else "Token": []}]:
            yield f"{label} has the authorizer {made[key].get('security')}"
        function = made[key]["x-amazon-apigateway-integration"]["uri"].partition("<")[2].partition(".")[0]
        if (function, *key) not in invoked:
            yield f"{label} may not invoke {function}"


def permissions(stack, api):
    """Returns function, method and path of what API Gateway may invoke, checking that nobody else may."""
    found = set()
    for permission in stack.of("AWS::Lambda::Permission").values():
        prefix = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:<{api}>/*/"
        if permission["Principal"] == "apigateway.amazonaws.com" and permission["SourceArn"].startswith(prefix):
            method, _, path = permission["SourceArn"].removeprefix(prefix).partition("/")
            for documented in stack.openapi["paths"]:
                if wild(documented) == "/" + path:
                    found.add((permission["FunctionName"].strip("<>"), method, documented))
    return found


def wild(path):
    return "/".join("*" if part.startswith("{") else part for part in path.split("/"))


def nobody_else_invokes(stack):
    ((api, _),) = stack.of("AWS::ApiGatewayV2::Api").items()
    for name, permission in stack.of("AWS::Lambda::Permission").items():
        source = permission.get("SourceArn", "")
        if permission["Principal"] != "apigateway.amazonaws.com" or f"<{api}>" not in source:
            yield f"{name} lets {permission['Principal']} invoke {permission['FunctionName']} from {source or 'anywhere'}"


def browsers_are_let_in_by_parameter(stack):
    ((_, api),) = stack.of("AWS::ApiGatewayV2::Api").items()
    cors = api["Body"].get("x-amazon-apigateway-cors")
    origins = stack.parameters["CorsOrigins"]
    if bool(cors) != bool(origins):
        yield f"CorsOrigins is {origins!r}, and CORS {cors}"
    elif cors and (cors["allowOrigins"] != origins.split(",") or cors.get("allowCredentials") or "*" in cors["allowHeaders"]):
        yield f"CorsOrigins is {origins!r}, and CORS {cors}"


def the_right_things_stay(stack):
    """On delete role, key, registry and audits stay, and nothing else: it couldn't be taken up again."""
    kept = {name for name, _ in KEPT.values()}
    for name, resource in stack.made["Resources"].items():
        deletion, replacement = resource.get("DeletionPolicy", "Delete"), resource.get("UpdateReplacePolicy", "Delete")
        if name in kept and (deletion, replacement) != ("RetainExceptOnCreate", "Retain"):
            yield f"{name} is not retained: {deletion}, {replacement}"
        if name not in kept and (deletion, replacement) != ("Delete", "Delete"):
            yield f"{name} would be left behind: {deletion}, {replacement}"
    for name, table in stack.of("AWS::DynamoDB::Table").items():
        backed = table.get("PointInTimeRecoverySpecification", {}).get("PointInTimeRecoveryEnabled", False)
        if backed != (name in kept):
            yield f"{name} has point-in-time recovery {backed}"
        if name != "Registry" and not table.get("TimeToLiveSpecification", {}).get("Enabled"):
            yield f"{name} is never cleaned"
    for name, key in stack.of("AWS::KMS::Key").items():
        if not key.get("EnableKeyRotation"):
            yield f"{name} is not rotated"


def outputs_are_the_next_parameters(stack):
    """What a deployment puts out is what the next one takes up."""
    for parameter, (output, made) in OUTPUTS.items():
        wanted = stack.parameters[parameter] or made
        if stack.outputs.get(output) != wanted:
            yield f"{output} is {stack.outputs.get(output)}, not {wanted}"


def schedules_start_one_function(stack):
    """A schedule starts a function under a role that may do that and put failures aside, in this account alone."""
    for name, schedule in stack.of("AWS::Scheduler::Schedule").items():
        target = schedule["Target"]
        role = stack.resources[target["RoleArn"].strip("<>").partition(".")[0]]["Properties"]
        wanted = {("lambda:InvokeFunction", target["Arn"]), ("sqs:SendMessage", target.get("DeadLetterConfig", {}).get("Arn"))}
        allowed = set()
        for policy in role["Policies"]:
            for statement in policy["PolicyDocument"]["Statement"]:
                allowed |= set(itertools.product(listed(statement["Action"]), listed(statement["Resource"])))
        if allowed != wanted:
            yield f"{name} starts its function under a role that may do {sorted(allowed)}"
        condition = role["AssumeRolePolicyDocument"]["Statement"][0].get("Condition", {})
        if condition.get("StringEquals", {}).get("aws:SourceAccount") != ACCOUNT:
            yield f"{name} runs under a role that schedules of other accounts can use"
        if not target.get("DeadLetterConfig") or schedule["State"] != stack.parameters["AuditScheduleState"]:
            yield f"{name} loses what fails, or can't be turned off"


def queues_are_served(stack):
    """A queue gives its function time, tells failed messages apart, bounds it, and puts aside what never works."""
    sources = {m["EventSourceArn"]: m for m in stack.of("AWS::Lambda::EventSourceMapping").values()}
    for name, queue in stack.of("AWS::SQS::Queue").items():
        if name in dead_letters(stack):
            continue
        if not queue.get("RedrivePolicy"):
            yield f"{name} has no dead letter queue"
        source = sources.get(f"<{name}.Arn>")
        if not source:
            yield f"{name} has no function"
            continue
        function = stack.functions()[source["FunctionName"].strip("<>")]
        if source.get("FunctionResponseTypes") != ["ReportBatchItemFailures"] or not source.get("ScalingConfig", {}).get("MaximumConcurrency"):
            yield f"{name} repeats whole batches, or without bound"
        if queue.get("VisibilityTimeout", 30) < 6 * function["Timeout"]:
            yield f"{name} hides messages for {queue.get('VisibilityTimeout', 30)} s, its function runs {function['Timeout']} s"


RULES = [
    nothing_dangles,
    functions_run_as_they_should,
    roles_are_apart,
    policies_renew_on_the_role_in_use,
    environment_follows_the_parameters,
    logs_end,
    alarms_watch_everything,
    routes_need_a_token,
    nobody_else_invokes,
    browsers_are_let_in_by_parameter,
    the_right_things_stay,
    outputs_are_the_next_parameters,
    schedules_start_one_function,
    queues_are_served,
]


# Faults that are put into the template, to see that a rule finds them.


class Fault(typing.NamedTuple):
    """A fault to put into a template: the rule that must find it, what the rule must name, and how it is put in."""

    kind: str | None
    rule: str
    about: str
    change: typing.Callable


def mutants(document):
    for name, function in of_type(document, "AWS::Serverless::Function").items():
        yield from broken_function(name, function)
    for name, resource in document["Resources"].items():
        yield from broken_resource(name, resource)
    for output, _ in OUTPUTS.values():
        yield Fault("no output", "outputs_are_the_next_parameters", output, lambda d, o=output: d["Outputs"].pop(o))
    yield Fault(None, "browsers_are_let_in_by_parameter", "CorsOrigins", let_everyone_in)
    yield Fault(None, "nobody_else_invokes", "OpenDoor", open_door)
    yield Fault(None, "nothing_dangles", "Key", lambda d: d["Globals"]["Function"]["Environment"]["Variables"].update(ARNGATE_KEY_ARN={"Fn::GetAtt": "Key.Arn"}))


def broken_function(name, function):
    def member(d):
        return d["Resources"][name]["Properties"]

    yield Fault("no role", "functions_run_as_they_should", name, lambda d: member(d).pop("Role"))
    yield Fault("no log group", "logs_end", name, lambda d: member(d).pop("LoggingConfig"))
    yield Fault("fixed table", "environment_follows_the_parameters", name, lambda d: set_variable(member(d)))
    for metric in ("Errors", "Throttles"):
        yield Fault("unwatched", "alarms_watch_everything", f"{metric} of {name}", lambda d, m=metric: unwatch(d["Resources"], name, m))
    for event, declared in function["Properties"].get("Events", {}).items():
        if declared["Type"] == "HttpApi":
            label = f"{declared['Properties']['Method']} {declared['Properties']['Path']}"
            yield Fault("no route", "routes_need_a_token", label, lambda d, e=event: member(d)["Events"].pop(e))
            turned = lambda d, e=event: turn_authorizer(member(d)["Events"][e]["Properties"])  # noqa: E731
            yield Fault("other authorizer", "routes_need_a_token", label, turned)
    yield Fault("one more route", "routes_need_a_token", f"GET /v1/{name}", lambda d: add_route(member(d), f"/v1/{name}"))


def broken_resource(name, resource):
    def own(d):
        return d["Resources"][name]

    def properties(d):
        return own(d)["Properties"]

    kind = resource["Type"]
    if name in {kept for kept, _ in KEPT.values()}:
        for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
            yield Fault("no " + policy, "the_right_things_stay", name, lambda d, p=policy: own(d).pop(p))
        yield Fault(None, "nothing_dangles", name, lambda d: own(d).pop("Condition"))
    else:
        yield Fault("left behind", "the_right_things_stay", name, lambda d: own(d).update(DeletionPolicy="Retain"))
    if kind == "AWS::Logs::LogGroup":
        yield Fault("no retention", "logs_end", name, lambda d: properties(d).pop("RetentionInDays"))
    if kind == "AWS::IAM::RolePolicy":
        yield Fault("other role", "policies_renew_on_the_role_in_use", name, lambda d: properties(d).update(RoleName="another"))
    if kind == "AWS::CloudWatch::Alarm":
        yield Fault("no action", "alarms_watch_everything", name, lambda d: properties(d).pop("AlarmActions"))
    if kind == "AWS::SQS::Queue" and "RedrivePolicy" in resource["Properties"]:
        yield Fault("no dead letters", "queues_are_served", name, lambda d: properties(d).pop("RedrivePolicy"))
        yield Fault("no time", "queues_are_served", name, lambda d: properties(d).update(VisibilityTimeout=1))
    if kind == "AWS::Scheduler::Schedule":
        yield Fault("no dead letters", "schedules_start_one_function", name, lambda d: properties(d)["Target"].pop("DeadLetterConfig"))
    if kind == "AWS::IAM::Role" and name != "GatewayRole":
        yield Fault("assumes", "roles_are_apart", name, lambda d: allow(properties(d), "sts:AssumeRole"))


def let_everyone_in(document):
    document["Resources"]["Api"]["Properties"]["CorsConfiguration"] = {"AllowOrigins": ["*"]}


def open_door(document):
    document["Resources"]["OpenDoor"] = {
        "Type": "AWS::Lambda::Permission",
        "Properties": {"Action": "lambda:InvokeFunction", "Principal": "*", "FunctionName": {"Ref": "ConfigurationFunction"}},
    }


def add_route(function, path):
    properties = {"ApiId": {"Ref": "Api"}, "Method": "GET", "Path": path}
    function.setdefault("Events", {})["Extra"] = {"Type": "HttpApi", "Properties": properties}


def set_variable(function):
    function.setdefault("Environment", {}).setdefault("Variables", {})["ARNGATE_REGISTRY_TABLE"] = "Registry"


def unwatch(resources, function, metric):
    """Has no alarm watch the function's metric."""
    for alarm in resources.values():
        if alarm["Type"] != "AWS::CloudWatch::Alarm":
            continue
        for each in metrics(alarm["Properties"]):
            if each["MetricName"] == metric:
                each["Dimensions"] = [d for d in each["Dimensions"] if d["Value"] != {"Ref": function}] or [{"Name": "x", "Value": "x"}]


def turn_authorizer(route):
    if "Auth" in route:
        route.pop("Auth")
    else:
        route["Auth"] = {"Authorizer": "NONE"}


def allow(role, action):
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}
    role.setdefault("Policies", []).append({"PolicyName": "extra", "PolicyDocument": document})


def of_type(document, kind):
    return {name: r for name, r in document["Resources"].items() if r["Type"] == kind}


def listed(value):
    return value if isinstance(value, list) else [value]


if __name__ == "__main__":
    sys.exit(main())
