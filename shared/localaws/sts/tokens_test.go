package sts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

const listBuckets = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}`

func (w world) federate(t *testing.T, as localawstest.Keys, change func(*awssts.GetFederationTokenInput)) (*awssts.GetFederationTokenOutput, error) {
	t.Helper()
	in := &awssts.GetFederationTokenInput{Name: aws.String("ada"), Policy: aws.String(allowAll)}
	if change != nil {
		change(in)
	}
	return awssts.NewFromConfig(w.Config(as)).GetFederationToken(t.Context(), in)
}

func (w world) canListBuckets(t *testing.T, keys localawstest.Keys) bool {
	t.Helper()
	_, err := awss3.NewFromConfig(w.Config(keys)).ListBuckets(t.Context(), &awss3.ListBucketsInput{})
	return err == nil
}

func TestGetFederationToken(t *testing.T) {
	w := newWorld(t)
	user := w.AddUser(t, w.customer, "machine", allowAll)
	out, err := w.federate(t, user, nil)
	if err != nil {
		t.Fatal(err)
	}
	wantARN := "arn:aws:sts::" + customerAccount + ":federated-user/ada"
	if got := *out.FederatedUser.Arn; got != wantARN {
		t.Errorf("Arn = %s, want %s", got, wantARN)
	}
	if got, want := *out.FederatedUser.FederatedUserId, customerAccount+":ada"; got != want {
		t.Errorf("FederatedUserId = %s, want %s", got, want)
	}
	if left := time.Until(*out.Credentials.Expiration); left < 11*time.Hour || left > 12*time.Hour {
		t.Errorf("expires in %v, want 12 hours", left)
	}
	keys := keysOf(out.Credentials)
	if got, err := w.whoAmI(t, keys); err != nil || got != wantARN {
		t.Errorf("the session is %s (%v), want %s", got, err, wantARN)
	}
	if !w.canListBuckets(t, keys) {
		t.Error("a right of user and policy is denied")
	}
}

func TestFederationTokenIsTheCommonPart(t *testing.T) {
	w := newWorld(t)
	all := w.AddUser(t, w.customer, "all", allowAll)
	tokenOnly := w.AddUser(t, w.customer, "token-only",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"*"}]}`)
	tests := map[string]struct {
		user   localawstest.Keys
		policy *string
		want   bool
	}{
		"both allow":          {all, aws.String(listBuckets), true},
		"the policy does not": {all, aws.String(denyAll), false},
		"no policy":           {all, nil, false},
		"the user may not":    {tokenOnly, aws.String(listBuckets), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			out, err := w.federate(t, test.user, func(in *awssts.GetFederationTokenInput) { in.Policy = test.policy })
			if err != nil {
				t.Fatal(err)
			}
			if got := w.canListBuckets(t, keysOf(out.Credentials)); got != test.want {
				t.Errorf("may list buckets: %v, want %v", got, test.want)
			}
		})
	}
}

func TestGetFederationTokenRefuses(t *testing.T) {
	w := newWorld(t)
	user := w.AddUser(t, w.customer, "machine", allowAll)
	nothing := w.AddUser(t, w.customer, "nothing", "")
	tags := []types.Tag{{Key: aws.String("arngate:site"), Value: aws.String(site)}}
	onlyToken := w.AddUser(t, w.customer, "only-token",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:GetFederationToken","Resource":"*"}]}`)
	tests := map[string]struct {
		as     localawstest.Keys
		change func(*awssts.GetFederationTokenInput)
		want   string
	}{
		"no permission":       {nothing, nil, "AccessDenied"},
		"tags unpermitted":    {onlyToken, func(in *awssts.GetFederationTokenInput) { in.Tags = tags }, "AccessDenied"},
		"tags permitted":      {user, func(in *awssts.GetFederationTokenInput) { in.Tags = tags }, ""},
		"session credentials": {w.gateway, nil, "AccessDenied"},
		"name of 32":          {user, func(in *awssts.GetFederationTokenInput) { in.Name = aws.String(strings.Repeat("a", 32)) }, ""},
		"name of 33":          {user, func(in *awssts.GetFederationTokenInput) { in.Name = aws.String(strings.Repeat("a", 33)) }, "ValidationError"},
		"name of 1":           {user, func(in *awssts.GetFederationTokenInput) { in.Name = aws.String("a") }, "ValidationError"},
		"899 s":               {user, func(in *awssts.GetFederationTokenInput) { in.DurationSeconds = aws.Int32(899) }, "ValidationError"},
		"36 hours":            {user, func(in *awssts.GetFederationTokenInput) { in.DurationSeconds = aws.Int32(129600) }, ""},
		"more than 36 hours":  {user, func(in *awssts.GetFederationTokenInput) { in.DurationSeconds = aws.Int32(129601) }, "ValidationError"},
		"malformed policy":    {user, func(in *awssts.GetFederationTokenInput) { in.Policy = aws.String("[]") }, "MalformedPolicyDocument"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := w.federate(t, test.as, test.change)
			if got := codeOf(err); got != test.want {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

// Temporary credentials of users are of no use with IAM, and of little with STS.
func TestWhatTokensOfUsersCannotDo(t *testing.T) {
	w := newWorld(t)
	user := w.AddUser(t, w.customer, "machine", allowAll)
	w.role(t, "data", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"`+customerAccount+`"},"Action":"sts:AssumeRole"}]}`)
	federated, err := w.federate(t, user, nil)
	if err != nil {
		t.Fatal(err)
	}
	client := awssts.NewFromConfig(w.Config(user))
	session, err := client.GetSessionToken(t.Context(), &awssts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]localawstest.Keys{
		"user": user, "session": keysOf(session.Credentials), "federated": keysOf(federated.Credentials),
	}
	got := make(map[string][]string)
	for name, k := range keys {
		_, listErr := awsiam.NewFromConfig(w.Config(k)).ListRoles(t.Context(), &awsiam.ListRolesInput{})
		_, sessionErr := awssts.NewFromConfig(w.Config(k)).GetSessionToken(t.Context(), &awssts.GetSessionTokenInput{})
		_, assumeErr := w.assume(t, k, func(in *awssts.AssumeRoleInput) { in.ExternalId = nil })
		got[name] = []string{codeOf(listErr), codeOf(sessionErr), codeOf(assumeErr)}
	}
	want := map[string][]string{
		"user":      {"", "", ""},
		"session":   {"InvalidClientTokenId", "AccessDenied", ""},
		"federated": {"InvalidClientTokenId", "AccessDenied", "AccessDenied"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("IAM, GetSessionToken, AssumeRole (-want +got):\n%s", diff)
	}
}

func TestRoot(t *testing.T) {
	w := newWorld(t)
	id, secret := w.AddRootKey(customerAccount)
	root := localawstest.Keys{AccessKeyID: id, SecretAccessKey: secret}
	if got, err := w.whoAmI(t, root); err != nil || got != "arn:aws:iam::"+customerAccount+":root" {
		t.Errorf("root is %s (%v)", got, err)
	}
	if !w.canListBuckets(t, root) {
		t.Error("root may not list buckets")
	}
	_, err := w.assume(t, root, nil)
	if diff := cmp.Diff([]string{"AccessDenied", "Roles may not be assumed by root accounts."}, []string{codeOf(err), messageOf(err)}); diff != "" {
		t.Error(diff)
	}
	out, err := awssts.NewFromConfig(w.Config(root)).GetSessionToken(t.Context(), &awssts.GetSessionTokenInput{
		DurationSeconds: aws.Int32(43200),
	})
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(*out.Credentials.Expiration); left > time.Hour {
		t.Errorf("a session of root lives %v, want an hour at most", left)
	}
}

// Transitive tags and the source identity follow into the next session, and neither can be changed.
func TestChainingPassesOn(t *testing.T) {
	w := newWorld(t)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + customerAccount + `"},
		"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`
	first, second := w.role(t, "first", trust), w.role(t, "second", trust)
	session := w.Assume(t, w.customer, &awssts.AssumeRoleInput{
		RoleArn: &first, RoleSessionName: aws.String("one"), SourceIdentity: aws.String("ada"),
		Tags: []types.Tag{
			{Key: aws.String("Team"), Value: aws.String("a")},
			{Key: aws.String("Own"), Value: aws.String("x")},
		},
		TransitiveTagKeys: []string{"Team"},
	})
	assume := func(change func(*awssts.AssumeRoleInput)) (*awssts.AssumeRoleOutput, error) {
		in := &awssts.AssumeRoleInput{RoleArn: &second, RoleSessionName: aws.String("two")}
		change(in)
		return awssts.NewFromConfig(w.Config(session)).AssumeRole(t.Context(), in)
	}
	out, err := assume(func(*awssts.AssumeRoleInput) {})
	if err != nil {
		t.Fatal(err)
	}
	if got := *out.SourceIdentity; got != "ada" {
		t.Errorf("SourceIdentity = %s, want ada", got)
	}
	w.ResetCalls()
	if _, err := w.whoAmI(t, keysOf(out.Credentials)); err != nil {
		t.Fatal(err)
	}
	call := w.Calls()[0]
	if diff := cmp.Diff(map[string]string{"Team": "a"}, call.Tags); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	_, err = assume(func(in *awssts.AssumeRoleInput) {
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("b")}}
	})
	if got, want := codeOf(err), "InvalidParameterValue"; got != want {
		t.Errorf("overriding a transitive tag: %v, want %s", err, want)
	}
	_, err = assume(func(in *awssts.AssumeRoleInput) { in.SourceIdentity = aws.String("eve") })
	if got, want := codeOf(err), "AccessDenied"; got != want {
		t.Errorf("changing the source identity: %v, want %s", err, want)
	}
}

func TestSessionsEndWithTheirRole(t *testing.T) {
	w := newWorld(t)
	arn := w.AddRole(t, w.customer, localawstest.Role{
		Name: "short", Trust: w.fullTrust(),
	})
	user := w.AddUser(t, w.Account(gatewayAccount), "open", allowAll)
	client := awsiam.NewFromConfig(w.Config(w.customer))
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + gatewayAccount + `"},"Action":"sts:AssumeRole"}]}`
	if _, err := client.UpdateAssumeRolePolicy(t.Context(), &awsiam.UpdateAssumeRolePolicyInput{
		RoleName: aws.String("short"), PolicyDocument: &trust,
	}); err != nil {
		t.Fatal(err)
	}
	keys := w.Assume(t, user, &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("last")})
	if _, err := client.DeleteRole(t.Context(), &awsiam.DeleteRoleInput{RoleName: aws.String("short")}); err != nil {
		t.Fatal(err)
	}
	_, err := w.whoAmI(t, keys)
	if got, want := codeOf(err), "InvalidClientTokenId"; got != want {
		t.Errorf("after the role is gone: %v, want %s", err, want)
	}
}

func TestAssumeAsServiceAsksTheTrustPolicy(t *testing.T) {
	w := newWorld(t)
	arn := w.role(t, "data", w.fullTrust())
	if _, err := w.AssumeAsService("lambda.amazonaws.com", arn, "function"); err == nil {
		t.Error("a role that does not trust Lambda was given to a function")
	}
	if _, err := w.AssumeAsService("ec2.amazonaws.com", w.gatewayRole, "instance"); err == nil {
		t.Error("a role that trusts Lambda was given to another service")
	}
	if _, err := w.AssumeAsService("lambda.amazonaws.com", arn+"-missing", "function"); err == nil {
		t.Error("a role that does not exist was assumed")
	}
}

func TestUnknownAction(t *testing.T) {
	w := newWorld(t)
	_, err := awssts.NewFromConfig(w.Config(w.gateway)).GetAccessKeyInfo(t.Context(), &awssts.GetAccessKeyInfoInput{
		AccessKeyId: aws.String("AKIAIOSFODNN7EXAMPLE"),
	})
	if got, want := codeOf(err), "InvalidAction"; got != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}
