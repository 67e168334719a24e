package verdict_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/audit/verdict"
)

func TestReadDenial(t *testing.T) {
	const who = "User: arn:aws:sts::111122223333:assumed-role/demo/x is not authorized to perform: "
	for message, want := range map[string]verdict.Denial{
		who + "dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:111122223333:table/Orders because no identity-based policy allows the dynamodb:PutItem action": {Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:111122223333:table/Orders", Cause: verdict.IdentityPolicy},
		who + "dynamodb:PutItem on resource: arn:aws:dynamodb:us-east-1:111122223333:table/Orders with an explicit deny in an identity-based policy":                   {Action: "dynamodb:PutItem", Resource: "arn:aws:dynamodb:us-east-1:111122223333:table/Orders", Explicit: true, Cause: verdict.IdentityPolicy},
		who + `s3:GetObject on resource: "arn:aws:s3:::acme/a b" with an explicit deny in a resource-based policy`:                                                     {Action: "s3:GetObject", Resource: "arn:aws:s3:::acme/a b", Explicit: true, Cause: verdict.ResourcePolicy},
		who + "s3:ListAllMyBuckets because no permissions boundary allows the s3:ListAllMyBuckets action":                                                              {Action: "s3:ListAllMyBuckets", Cause: verdict.PermissionsBoundary},
		who + "lambda:InvokeFunction on resource: f with an explicit deny in a service control policy":                                                                 {Action: "lambda:InvokeFunction", Resource: "f", Explicit: true, Cause: verdict.ServiceControlPolicy},
		who + "lambda:InvokeFunction on resource: f with an explicit deny in a resource control policy":                                                                {Action: "lambda:InvokeFunction", Resource: "f", Explicit: true, Cause: verdict.ResourceControlPolicy},
		who + "lambda:InvokeFunction on resource: f because no VPC endpoint policy allows the lambda:InvokeFunction action":                                            {Action: "lambda:InvokeFunction", Resource: "f", Cause: verdict.VPCEndpointPolicy},
		who + "lambda:InvokeFunction on resource: f because no session policy allows the lambda:InvokeFunction action":                                                 {Action: "lambda:InvokeFunction", Resource: "f", Cause: verdict.SessionPolicy},
		who + "kms:Decrypt on resource: arn:aws:kms:us-east-1:111122223333:key/k because no identity-based policy allows the kms:Decrypt action":                       {Action: "kms:Decrypt", Resource: "arn:aws:kms:us-east-1:111122223333:key/k", Cause: verdict.KMS},
		"Access Denied": {},
		"":              {},
	} {
		if diff := cmp.Diff(want, verdict.ReadDenial(message)); diff != "" {
			t.Errorf("%s: %s", message, diff)
		}
	}
}
