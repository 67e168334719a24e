package grants

import (
	_ "embed" // the list of names
	"strings"
	"sync"
)

// The list holds names, and what they act on, of four services' actions and of STS's; what isn't in it is reported as the
// pattern that grants it.
//
//go:embed names.txt
var list string

// action is one action of an audited service.
type action struct {
	name    string // as AWS writes it: "s3:GetObject"
	glob    glob
	service string
	kind    byte // of the resource; see names.txt
	write   bool
}

// actions returns the audited services' actions. Nobody changes what it returns.
var actions = sync.OnceValue(func() []action { return parseNames(list) })

func parseNames(list string) []action {
	var all []action
	for line := range strings.Lines(list) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		for _, name := range fields[3:] {
			full := fields[0] + ":" + name
			all = append(all, action{name: full, glob: newActionGlob(full), service: fields[0], kind: fields[1][0], write: fields[2] == "w"})
		}
	}
	return all
}

// audited reports whether the actions of a service are known by name.
func audited(service string) bool {
	switch service {
	case "dynamodb", "s3", "lambda", "iam", "sts":
		return true
	}
	return false
}

// escalates reports whether an action lets its holder get rights beyond its own, on what it is granted on: by writing
// policies, trust or credentials, or by code that runs with another role. any says that the grant reaches more than one role.
func escalates(name string, any bool) bool {
	switch name {
	case "iam:AddUserToGroup", "iam:AttachGroupPolicy", "iam:AttachRolePolicy", "iam:AttachUserPolicy",
		"iam:CreateAccessKey", "iam:CreateLoginProfile", "iam:CreatePolicyVersion", "iam:CreateServiceSpecificCredential",
		"iam:DeleteRolePermissionsBoundary", "iam:DeleteUserPermissionsBoundary", "iam:PassRole",
		"iam:PutGroupPolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy", "iam:PutUserPermissionsBoundary",
		"iam:PutUserPolicy", "iam:ResetServiceSpecificCredential", "iam:SetDefaultPolicyVersion", "iam:UpdateAssumeRolePolicy",
		"iam:UpdateLoginProfile", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration":
		return true
	case "sts:AssumeRole", "sts:AssumeRoot":
		return any
	}
	return false
}

// reads reports whether a pattern of actions of a service that isn't known by name can only be about reading, going by how
// AWS names actions.
func reads(pattern string) bool {
	service, operation, _ := strings.Cut(strings.ToLower(pattern), ":")
	for _, verb := range [...]string{"batchget", "describe", "get", "head", "list", "lookup", "query", "scan", "search", "select", "view"} {
		if strings.HasPrefix(operation, verb) {
			return true
		}
	}
	return service == "kms" && operation == "decrypt"
}
