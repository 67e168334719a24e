package template

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// kind is what CloudFormation says of a resource type's names.
type kind struct {
	// nameProperty names the resource; empty if its id is always generated.
	nameProperty string
	// generate makes the id of a resource that nobody named.
	generate func(in Inputs, logicalID string) string
	// arn makes the value of the attribute Arn from the physical id; nil if there is no such attribute. A role's
	// path is part of its ARN; for anything else path is empty.
	arn func(in Inputs, path, id string) string
	// ref makes the value of Ref from the physical id; nil if that is the id itself.
	ref func(in Inputs, id string) string
}

// kinds are the resource types that this package knows. Sources: the return values listed in the AWS
// CloudFormation User Guide and the AWS SAM Developer Guide for each type.
var kinds = map[string]kind{
	"AWS::Serverless::HttpApi":  {"", generatedName, nil, nil},
	"AWS::Serverless::Function": {"FunctionName", generatedName, regionalARN("lambda", "function:", ""), nil},
	"AWS::DynamoDB::Table":      {"TableName", generatedName, regionalARN("dynamodb", "table/", ""), nil},
	"AWS::SQS::Queue":           {"QueueName", generatedName, regionalARN("sqs", "", ""), queueURL},
	"AWS::Scheduler::Schedule":  {"Name", generatedName, regionalARN("scheduler", "schedule/default/", ""), nil},
	"AWS::KMS::Key":             {"", generatedUUID, regionalARN("kms", "key/", ""), nil},
	"AWS::KMS::Alias":           {"AliasName", generatedName, nil, nil},
	"AWS::Logs::LogGroup":       {"LogGroupName", generatedName, regionalARN("logs", "log-group:", ":*"), nil},
	"AWS::IAM::Role":            {"RoleName", generatedName, roleARN, nil},
	"AWS::IAM::RolePolicy":      {"PolicyName", generatedName, nil, nil},
	"AWS::CloudWatch::Alarm":    {"AlarmName", generatedName, nil, nil},
}

func regionalARN(service, prefix, suffix string) func(in Inputs, path, id string) string {
	return func(in Inputs, _, id string) string {
		return "arn:" + in.Partition + ":" + service + ":" + in.Region + ":" + in.Account + ":" + prefix + id + suffix
	}
}

func roleARN(in Inputs, path, id string) string {
	return "arn:" + in.Partition + ":iam::" + in.Account + ":role" + path + id
}

func queueURL(in Inputs, id string) string {
	return "https://sqs." + in.Region + "." + urlSuffix(in.Partition) + "/" + in.Account + "/" + id
}

// rolePath is the Path of a role, and empty for any other resource.
func (s *stack) rolePath(r resource) (string, error) {
	if r.kind != "AWS::IAM::Role" {
		return "", nil
	}
	given, named := r.properties["Path"]
	if !named {
		return "/", nil
	}
	value, err := s.resolve(given)
	if err != nil {
		return "", at(err, "Path")
	}
	return asText(value)
}

func generatedName(in Inputs, logicalID string) string { return in.StackName + "-" + logicalID }

// generatedUUID is the same for the same stack and logical id, so that ARNs are stable between runs.
func generatedUUID(in Inputs, logicalID string) string {
	sum := sha256.Sum256([]byte(generatedName(in, logicalID)))
	text := hex.EncodeToString(sum[:16])
	return text[:8] + "-" + text[8:12] + "-" + text[12:16] + "-" + text[16:20] + "-" + text[20:]
}

// attribute is Fn::GetAtt of a resource, or Ref when name is empty.
func (s *stack) attribute(logicalID, name string) (string, error) {
	r, known := s.resources[logicalID]
	if !known {
		return "", fmt.Errorf("%s is no parameter, pseudo parameter or resource", logicalID)
	}
	there, err := s.exists(r)
	if err != nil {
		return "", err
	}
	if !there {
		return "", fmt.Errorf("%s is not created: its condition %s is false", logicalID, r.condition)
	}
	id, err := s.physicalID(r)
	switch {
	case err != nil:
		return "", err
	case name == "" && kinds[r.kind].ref != nil:
		return kinds[r.kind].ref(s.in, id), nil
	case name == "" || r.kind == "AWS::SQS::Queue" && name == "QueueName":
		return id, nil
	}
	if name != "Arn" || kinds[r.kind].arn == nil {
		return "", fmt.Errorf("unknown attribute %s of %s", name, r.kind)
	}
	return s.arn(r, id)
}

// arn is the ARN of the resource whose physical id is id.
func (s *stack) arn(r resource, id string) (string, error) {
	path, err := s.rolePath(r)
	if err != nil {
		return "", err
	}
	return kinds[r.kind].arn(s.in, path, id), nil
}

// physicalID is what names the resource: the name in the template, the one from the inputs, or a generated one.
func (s *stack) physicalID(r resource) (string, error) {
	k := kinds[r.kind]
	given, chosen := s.in.Physical[r.logicalID]
	property, named := r.properties[k.nameProperty]
	switch {
	case chosen && named:
		return "", fmt.Errorf("physical name of %s: the template names it itself", r.logicalID)
	case chosen:
		return given, nil
	case !named:
		return k.generate(s.in, r.logicalID), nil
	}
	leave, err := s.enter("the name of " + r.logicalID)
	if err != nil {
		return "", err
	}
	defer leave()
	value, err := s.resolve(property)
	if err != nil {
		return "", at(err, k.nameProperty)
	}
	if _, none := value.(noValue); none {
		return k.generate(s.in, r.logicalID), nil
	}
	text, err := asText(value)
	if err == nil && text == "" {
		err = errors.New("the name is empty")
	}
	return text, err
}
