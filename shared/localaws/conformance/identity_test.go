package conformance

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// identityStage is an account's IAM and STS.
type identityStage struct {
	stage

	iam *awsiam.Client
	sts *awssts.Client
}

// TestIAMAndSTS asks IAM and STS what AWS was asked. There is no oracle for them.
func TestIAMAndSTS(t *testing.T) {
	for _, s := range append(iamSituations(), stsSituations()...) {
		t.Run(s.name, func(t *testing.T) {
			b := local(t)
			config, recorder := b.client()
			at := &identityStage{stage: stage{t, recorder, b}, iam: awsiam.NewFromConfig(config), sts: awssts.NewFromConfig(config)}
			w := s.do(at)
			hold(t, b, recorder.last, w, "")
		})
	}
}

// sent is the want of errors that are the sender's fault, in the protocol of IAM and STS.
func sent(status, code, message string) want {
	return want{"#": status, "Error.Code": code, "Error.Message": message, "Error.Type": "Sender"}
}

const (
	computers  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	tagWriting = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["apigateway:PUT"],` +
		`"Resource":["arn:aws:apigateway:us-east-1::/tags/arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Faaeeieije"]}]}`
	trusting = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account +
		`"},"Action":["sts:AssumeRole","sts:TagSession"]}]}`
	accountARN = "arn:aws:iam::" + account + ":"
)

func (s *identityStage) role(name, path, trust string, tags ...iamtypes.Tag) {
	s.t.Helper()
	_, err := s.iam.CreateRole(s.t.Context(), &awsiam.CreateRoleInput{
		RoleName: &name, Path: given(path), AssumeRolePolicyDocument: &trust, Tags: tags,
	})
	s.must(err)
}

func (s *identityStage) user(name string) {
	s.t.Helper()
	_, err := s.iam.CreateUser(s.t.Context(), &awsiam.CreateUserInput{UserName: &name})
	s.must(err)
}

func (s *identityStage) policy(name string) {
	s.t.Helper()
	_, err := s.iam.CreatePolicy(s.t.Context(), &awsiam.CreatePolicyInput{PolicyName: &name, PolicyDocument: aws.String(tagWriting)})
	s.must(err)
}

func iamSituations() []situation[*identityStage] {
	noPolicy := sent("404", "NoSuchEntity", "Policy "+accountARN+"policy/p123 does not exist or is not attachable.")
	unparsable := sent("400", "ValidationError", "Invalid ARN:  Could not be parsed!")
	attach := map[string]func(s *identityStage, policyARN string){
		"role": func(s *identityStage, policyARN string) {
			s.role("r", "", computers)
			asked(s.iam.AttachRolePolicy(s.t.Context(), &awsiam.AttachRolePolicyInput{RoleName: aws.String("r"), PolicyArn: &policyARN}))
		},
		"user": func(s *identityStage, policyARN string) {
			s.user("u")
			asked(s.iam.AttachUserPolicy(s.t.Context(), &awsiam.AttachUserPolicyInput{UserName: aws.String("u"), PolicyArn: &policyARN}))
		},
	}
	all := append(iamRoles(), iamEncodings()...)
	for kind, to := range attach {
		for what, c := range map[string]struct {
			policy string
			want   want
		}{
			"a policy by its name":      {"existing-name-of-a-policy", unparsable},
			"a malformed ARN":           {"longpolicynamebutnoarn", unparsable},
			"a policy that isn't there": {accountARN + "policy/p123", noPolicy},
			"a policy":                  {accountARN + "policy/p", want{"#": "200"}},
		} {
			all = append(all, situation[*identityStage]{name: "attach " + what + " to a " + kind, do: func(s *identityStage) want {
				s.policy("p")
				to(s, c.policy)
				return c.want
			}})
		}
	}
	return append(all,
		situation[*identityStage]{name: "delete a policy that isn't there", do: func(s *identityStage) want {
			asked(s.iam.DeletePolicy(s.t.Context(), &awsiam.DeletePolicyInput{PolicyArn: aws.String(accountARN + "policy/non-existent-policy")}))
			return sent("404", "NoSuchEntity", "Policy "+accountARN+"policy/non-existent-policy was not found.")
		}},
		situation[*identityStage]{name: "a new policy", do: func(s *identityStage) want {
			s.policy("p")
			const p = "CreatePolicyResult.Policy."
			return want{
				"#": "200", p + "Arn": accountARN + "policy/p", p + "AttachmentCount": "0", p + "DefaultVersionId": "v1",
				p + "IsAttachable": "true", p + "Path": "/", p + "PermissionsBoundaryUsageCount": "0", p + "PolicyName": "p",
			}
		}},
		situation[*identityStage]{name: "a user that isn't there", do: func(s *identityStage) want {
			asked(s.iam.GetUser(s.t.Context(), &awsiam.GetUserInput{UserName: aws.String("non-existent-user")}))
			return sent("404", "NoSuchEntity", "The user with name non-existent-user cannot be found.")
		}},
	)
}

func iamRoles() []situation[*identityStage] {
	return []situation[*identityStage]{
		{name: "a role that trusts no JSON", do: func(s *identityStage) want {
			asked(s.iam.CreateRole(s.t.Context(), &awsiam.CreateRoleInput{RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String("{")}))
			return sent("400", "MalformedPolicyDocument", "This policy contains invalid Json")
		}},
		{name: "a new role with a path", do: func(s *identityStage) want {
			s.role("r", "/path/prefix/", computers)
			const r = "CreateRoleResult.Role."
			return want{
				"#": "200", r + "Arn": accountARN + "role/path/prefix/r", r + "Path": "/path/prefix/", r + "RoleName": "r", r + "MaxSessionDuration": none,
			}
		}},
		{name: "a role with a path", do: func(s *identityStage) want {
			s.role("r", "/path/prefix/", computers)
			asked(s.iam.GetRole(s.t.Context(), &awsiam.GetRoleInput{RoleName: aws.String("r")}))
			const r = "GetRoleResult.Role."
			return want{"#": "200", r + "Arn": accountARN + "role/path/prefix/r", r + "MaxSessionDuration": "3600", r + "RoleLastUsed": ""}
		}},
		{name: "roles under a path", do: func(s *identityStage) want {
			s.role("r", "/path/prefix/", computers)
			s.role("other", "", computers)
			asked(s.iam.ListRoles(s.t.Context(), &awsiam.ListRolesInput{PathPrefix: aws.String("/path/")}))
			const r = "ListRolesResult.Roles.member."
			return want{"#": "200", r + "RoleName": "r", r + "MaxSessionDuration": "3600", "ListRolesResult.IsTruncated": "false"}
		}},
		{name: "a listing of roles doesn't tell their boundaries", do: func(s *identityStage) want {
			s.policy("p")
			_, err := s.iam.CreateRole(s.t.Context(), &awsiam.CreateRoleInput{
				RoleName: aws.String("r"), AssumeRolePolicyDocument: aws.String(computers), PermissionsBoundary: aws.String(accountARN + "policy/p"),
			})
			s.must(err)
			asked(s.iam.ListRoles(s.t.Context(), &awsiam.ListRolesInput{}))
			const r = "ListRolesResult.Roles.member."
			return want{"#": "200", r + "RoleName": "r", r + "PermissionsBoundary.PermissionsBoundaryArn": none}
		}},
		{name: "a new role with tags", do: func(s *identityStage) want {
			s.role("r", "", computers, iamtypes.Tag{Key: aws.String("test"), Value: aws.String("value")})
			return want{"#": "200", "CreateRoleResult.Role.Tags.member.Key": "test", "CreateRoleResult.Role.Tags.member.Value": "value"}
		}},
		{name: "a role with tags", do: func(s *identityStage) want {
			s.role("r", "", computers, iamtypes.Tag{Key: aws.String("test"), Value: aws.String("value")})
			asked(s.iam.GetRole(s.t.Context(), &awsiam.GetRoleInput{RoleName: aws.String("r")}))
			return want{"#": "200", "GetRoleResult.Role.Tags.member.Key": "test", "GetRoleResult.Role.Tags.member.Value": "value"}
		}},
		{name: "a listing of roles doesn't tell their tags", do: func(s *identityStage) want {
			s.role("r", "", computers, iamtypes.Tag{Key: aws.String("test"), Value: aws.String("value")})
			asked(s.iam.ListRoles(s.t.Context(), &awsiam.ListRolesInput{}))
			return want{"#": "200", "ListRolesResult.Roles.member.RoleName": "r", "ListRolesResult.Roles.member.Tags.member.Key": none}
		}},
		{name: "a trust policy is replaced", do: func(s *identityStage) want {
			s.role("r", "", computers)
			_, err := s.iam.UpdateAssumeRolePolicy(s.t.Context(), &awsiam.UpdateAssumeRolePolicyInput{
				RoleName: aws.String("r"), PolicyDocument: aws.String(trusting),
			})
			s.must(err)
			out, err := s.iam.GetRole(s.t.Context(), &awsiam.GetRoleInput{RoleName: aws.String("r")})
			s.must(err)
			return want{"#": "200", "GetRoleResult.Role.AssumeRolePolicyDocument": encoded(trusting), "GetRoleResult.Role.Arn": *out.Role.Arn}
		}},
		{name: "a role that is deleted", do: func(s *identityStage) want {
			s.role("r", "/path/", computers)
			asked(s.iam.DeleteRole(s.t.Context(), &awsiam.DeleteRoleInput{RoleName: aws.String("r")}))
			return ok(http.StatusOK)
		}},
	}
}

// iamEncodings read back a policy that has escapes of its own.
func iamEncodings() []situation[*identityStage] {
	name, document := aws.String("tags"), aws.String(tagWriting)
	return []situation[*identityStage]{
		{name: "a role's policy with escapes", do: func(s *identityStage) want {
			s.role("r", "", computers)
			_, err := s.iam.PutRolePolicy(s.t.Context(), &awsiam.PutRolePolicyInput{RoleName: aws.String("r"), PolicyName: name, PolicyDocument: document})
			s.must(err)
			asked(s.iam.GetRolePolicy(s.t.Context(), &awsiam.GetRolePolicyInput{RoleName: aws.String("r"), PolicyName: name}))
			return want{"#": "200", "GetRolePolicyResult.PolicyDocument": encoded(tagWriting), "GetRolePolicyResult.RoleName": "r"}
		}},
		{name: "a user's policy with escapes", do: func(s *identityStage) want {
			s.user("u")
			_, err := s.iam.PutUserPolicy(s.t.Context(), &awsiam.PutUserPolicyInput{UserName: aws.String("u"), PolicyName: name, PolicyDocument: document})
			s.must(err)
			asked(s.iam.GetUserPolicy(s.t.Context(), &awsiam.GetUserPolicyInput{UserName: aws.String("u"), PolicyName: name}))
			return want{"#": "200", "GetUserPolicyResult.PolicyDocument": encoded(tagWriting), "GetUserPolicyResult.UserName": "u"}
		}},
		{name: "a group's policy with escapes", do: func(s *identityStage) want {
			_, err := s.iam.CreateGroup(s.t.Context(), &awsiam.CreateGroupInput{GroupName: aws.String("g")})
			s.must(err)
			_, err = s.iam.PutGroupPolicy(s.t.Context(), &awsiam.PutGroupPolicyInput{GroupName: aws.String("g"), PolicyName: name, PolicyDocument: document})
			s.must(err)
			asked(s.iam.GetGroupPolicy(s.t.Context(), &awsiam.GetGroupPolicyInput{GroupName: aws.String("g"), PolicyName: name}))
			return want{"#": "200", "GetGroupPolicyResult.PolicyDocument": encoded(tagWriting), "GetGroupPolicyResult.GroupName": "g"}
		}},
		{name: "a trust policy with escapes", do: func(s *identityStage) want {
			const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole",` +
				`"Condition":{"StringEquals":{"aws:SourceArn":"arn%3Aaws%3Aapigateway%3Aus-east-1%3A%3A%2Frestapis%2Faaeeieije"}}}]}`
			s.role("r", "", trust)
			asked(s.iam.ListRoles(s.t.Context(), &awsiam.ListRolesInput{}))
			return want{"#": "200", "ListRolesResult.Roles.member.AssumeRolePolicyDocument": encoded(trust)}
		}},
	}
}

func stsSituations() []situation[*identityStage] {
	const pattern = "Member must satisfy regular expression pattern: "
	assume := func(s *identityStage, arn, session string, tags []types.Tag, transitive ...string) {
		asked(s.sts.AssumeRole(s.t.Context(), &awssts.AssumeRoleInput{
			RoleArn: &arn, RoleSessionName: &session, Tags: tags, TransitiveTagKeys: transitive,
		}))
	}
	tag := func(key string) types.Tag { return types.Tag{Key: &key, Value: aws.String("v")} }
	const theRole = accountARN + "role/r"
	all := []situation[*identityStage]{
		{name: "assume a role", do: func(s *identityStage) want {
			s.role("r", "", trusting)
			assume(s, theRole, "session", nil)
			const r = "AssumeRoleResult."
			return want{"#": "200", r + "AssumedRoleUser.Arn": "arn:aws:sts::" + account + ":assumed-role/r/session", r + "PackedPolicySize": none}
		}},
		{name: "assume a role under a name with a colon", do: func(s *identityStage) want {
			s.role("r", "", trusting)
			assume(s, theRole, "Session1:2", nil)
			return sent("400", "ValidationError", "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: "+
				pattern+`[\w+=,.@-]*`)
		}},
		{name: "tags that differ in case alone", do: func(s *identityStage) want {
			s.role("r", "", trusting)
			assume(s, theRole, "session", []types.Tag{tag("SessionTag"), tag("sessiontag")})
			return sent("400", "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}},
		{name: "a transitive key without a tag", do: func(s *identityStage) want {
			s.role("r", "", trusting)
			assume(s, theRole, "session", []types.Tag{tag("a")}, "b")
			return sent("400", "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		}},
		{name: "a federated user", do: func(s *identityStage) want {
			asked(s.sts.GetFederationToken(s.t.Context(), &awssts.GetFederationTokenInput{
				Name: aws.String("somebody"), Policy: aws.String(tagWriting),
			}))
			const r = "GetFederationTokenResult.FederatedUser."
			return want{"#": "200", r + "Arn": "arn:aws:sts::" + account + ":federated-user/somebody", r + "FederatedUserId": account + ":somebody"}
		}},
	}
	for _, arn := range []string{
		"nothing-valid-in-here", "arn::b:::something/test-role", "arn:a:a::aaaaaaaaaa:", "arn:a::::something/test-role", "arn:a:::something/test-role",
	} {
		all = append(all, situation[*identityStage]{name: "assume " + arn, do: func(s *identityStage) want {
			assume(s, arn, "session", nil)
			return sent("400", "ValidationError", arn+" is invalid")
		}})
	}
	for _, key := range []string{"SessionTag1", "sessiontag1"} {
		all = append(all, situation[*identityStage]{name: "a chained session sets its transitive tag anew: " + key, do: func(s *identityStage) want {
			s.role("r", "", trusting)
			s.role("r2", "", trusting)
			keys := s.backend.aws.Assume(s.t, s.backend.keys, &awssts.AssumeRoleInput{
				RoleArn: aws.String(theRole), RoleSessionName: aws.String("first"), Tags: []types.Tag{tag("SessionTag1")}, TransitiveTagKeys: []string{"SessionTag1"},
			})
			config := s.backend.aws.Config(keys)
			config.HTTPClient = s.recorder
			s.sts = awssts.NewFromConfig(config)
			assume(s, accountARN+"role/r2", "session", []types.Tag{tag(key)})
			return sent("400", "InvalidParameterValue",
				"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}})
	}
	return all
}
