package template_test

import (
	"testing"

	"github.com/arngate/arngate/shared/localgateway/template"
	"github.com/arngate/arngate/shared/policy"
)

const (
	gatewayRole       = "GatewayRole"
	configurationRole = "ConfigurationRole"
	tables            = "arn:aws:dynamodb:eu-central-1:111122223333:table/arngate-local-"
	logs              = "arn:aws:logs:eu-central-1:111122223333:log-group:/arngate/arngate-local/"
	functionRole      = "arn:aws:iam::444455556666:role"
)

// What the roles of the template may do and, more to the point, what they may not.
func TestRepositoryRoleRights(t *testing.T) {
	t.Parallel()
	resolved := load(t, nil)
	key := resolved.Keys[0].ARN
	leading := func(partition string) policy.Context { return policy.Context{"dynamodb:LeadingKeys": {partition}} }
	for _, test := range []struct {
		name, role, action, resource string
		context                      policy.Context
		want                         policy.Verdict
	}{
		{"a role under the path", gatewayRole, "sts:AssumeRole", functionRole + "/skuid-assumable-role/app", nil, policy.Allowed},
		{"a role with the segment further on", gatewayRole, "sts:AssumeRole", functionRole + "/team/skuid-assumable-role/x/app", nil, policy.Allowed},
		{"session tags", gatewayRole, "sts:TagSession", functionRole + "/skuid-assumable-role/app", nil, policy.Allowed},
		{"source identity", gatewayRole, "sts:SetSourceIdentity", functionRole + "/skuid-assumable-role/app", nil, policy.Allowed},
		{"a role without the path", gatewayRole, "sts:AssumeRole", functionRole + "/app", nil, policy.ImplicitlyDenied},
		{"a role whose name is the segment's", gatewayRole, "sts:AssumeRole", functionRole + "/skuid-assumable-role", nil, policy.ImplicitlyDenied},
		{"a part of a segment", gatewayRole, "sts:AssumeRole", functionRole + "/not-skuid-assumable-role/app", nil, policy.ImplicitlyDenied},
		{"reads a site", gatewayRole, "dynamodb:GetItem", tables + "Registry", leading("SITE#a"), policy.Allowed},
		{"reads provider and state together", gatewayRole, "dynamodb:BatchGetItem", tables + "Registry", leading("SITE#a"), policy.Allowed},
		{"observes", gatewayRole, "dynamodb:PutItem", tables + "Registry", leading("STATE#a"), policy.Allowed},
		{"keeps a data key", gatewayRole, "dynamodb:PutItem", tables + "Registry", leading("KEYS"), policy.Allowed},
		{"changes no site", gatewayRole, "dynamodb:PutItem", tables + "Registry", leading("SITE#a"), policy.ImplicitlyDenied},
		{"writes nothing unnamed", gatewayRole, "dynamodb:PutItem", tables + "Registry", nil, policy.ImplicitlyDenied},
		{"updates nothing", gatewayRole, "dynamodb:UpdateItem", tables + "Registry", leading("STATE#a"), policy.ImplicitlyDenied},
		{"deletes nothing", gatewayRole, "dynamodb:DeleteItem", tables + "Registry", leading("STATE#a"), policy.ImplicitlyDenied},
		{"caches", gatewayRole, "dynamodb:UpdateItem", tables + "CredentialCache", leading("x"), policy.Allowed},
		{"scans no cache", gatewayRole, "dynamodb:Scan", tables + "CredentialCache", nil, policy.ImplicitlyDenied},
		{"scans no registry", gatewayRole, "dynamodb:Scan", tables + "Registry", nil, policy.ImplicitlyDenied},
		{"unseals", gatewayRole, "kms:Decrypt", key, nil, policy.Allowed},
		{"makes data keys", gatewayRole, "kms:GenerateDataKey", key, nil, policy.Allowed},
		{"other keys stay shut", gatewayRole, "kms:Decrypt", key + "x", nil, policy.ImplicitlyDenied},
		{"its logs", gatewayRole, "logs:PutLogEvents", logs + "s3:log-stream:x", nil, policy.Allowed},
		{"not the logs of configuration", gatewayRole, "logs:PutLogEvents", logs + "configuration:log-stream:x", nil, policy.ImplicitlyDenied},
		{"no customer's data", gatewayRole, "s3:GetObject", "arn:aws:s3:::demo-files/x", nil, policy.ImplicitlyDenied},

		{"configures", configurationRole, "dynamodb:PutItem", tables + "Registry", leading("SITE#a"), policy.Allowed},
		{"changes", configurationRole, "dynamodb:UpdateItem", tables + "Registry", leading("SITE#a"), policy.Allowed},
		{"deletes", configurationRole, "dynamodb:DeleteItem", tables + "Registry", leading("SITE#a"), policy.Allowed},
		{"shows state", configurationRole, "dynamodb:Query", tables + "Registry", leading("STATE#a"), policy.Allowed},
		{"can't say that a provider is ready", configurationRole, "dynamodb:PutItem", tables + "Registry", leading("STATE#a"), policy.ImplicitlyDenied},
		{"sees no data key", configurationRole, "dynamodb:GetItem", tables + "Registry", leading("KEYS"), policy.ImplicitlyDenied},
		{"plants no data key", configurationRole, "dynamodb:PutItem", tables + "Registry", leading("KEYS"), policy.ImplicitlyDenied},
		{"sees no credentials", configurationRole, "dynamodb:GetItem", tables + "CredentialCache", leading("x"), policy.ImplicitlyDenied},
		{"seals", configurationRole, "kms:Encrypt", key, nil, policy.Allowed},
		{"opens nothing", configurationRole, "kms:Decrypt", key, nil, policy.ImplicitlyDenied},
		{"assumes nobody", configurationRole, "sts:AssumeRole", functionRole + "/skuid-assumable-role/app", nil, policy.ImplicitlyDenied},
	} {
		t.Run(test.role+" "+test.name, func(t *testing.T) {
			t.Parallel()
			decision := policy.Evaluate(policy.Request{
				Action: test.action, Resource: test.resource, Principal: roleNamed(t, resolved, test.role).ARN,
				ResourceAccount: "111122223333", Context: test.context,
			}, policy.Policies{Identity: documents(t, roleNamed(t, resolved, test.role))})
			if decision.Verdict != test.want {
				t.Errorf("got %v, want %v", decision.Verdict, test.want)
			}
		})
	}
}

func roleNamed(t *testing.T, resolved *template.Template, logicalID string) template.Role {
	t.Helper()
	for _, role := range resolved.Roles {
		if role.LogicalID == logicalID {
			return role
		}
	}
	t.Fatalf("no role %s", logicalID)
	return template.Role{}
}

func documents(t *testing.T, role template.Role) []*policy.Document {
	t.Helper()
	var out []*policy.Document
	for _, inline := range role.Policies {
		document, err := policy.Parse([]byte(inline.Document))
		if err != nil {
			t.Fatalf("parse policy %s: %v", inline.Name, err)
		}
		out = append(out, document)
	}
	return out
}
