package localaws_test

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/policy"
)

const account = "222222222222"

// refusal is what a client sees of an error.
type refusal struct {
	Code   string
	Status int
}

func refusalOf(err error) refusal {
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		return refusal{}
	}
	return refusal{Code: api.ErrorCode(), Status: response.HTTPStatusCode()}
}

func messageOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorMessage()
	}
	return ""
}

// everyService calls each service once and returns what it answered.
func everyService(t *testing.T, config aws.Config) map[string]error {
	t.Helper()
	ctx := t.Context()
	_, stsErr := awssts.NewFromConfig(config).GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
	_, iamErr := awsiam.NewFromConfig(config).ListRoles(ctx, &awsiam.ListRolesInput{})
	_, kmsErr := awskms.NewFromConfig(config).ListKeys(ctx, &awskms.ListKeysInput{})
	_, dynamodbErr := awsdynamodb.NewFromConfig(config).ListTables(ctx, &awsdynamodb.ListTablesInput{})
	_, s3Err := awss3.NewFromConfig(config).ListBuckets(ctx, &awss3.ListBucketsInput{})
	_, lambdaErr := awslambda.NewFromConfig(config).ListFunctions(ctx, &awslambda.ListFunctionsInput{})
	return map[string]error{
		"sts": stsErr, "iam": iamErr, "kms": kmsErr, "dynamodb": dynamodbErr, "s3": s3Err, "lambda": lambdaErr,
	}
}

// Each service refuses in its own words (traps.md 51: the status does not tell what is wrong).
func TestTrap51EveryServiceRefusesInItsOwnWords(t *testing.T) {
	clock := time.Now()
	a := localawstest.Start(t, func(o *localaws.Options) { o.Now = func() time.Time { return clock } })
	admin := a.Account(account)
	session := a.Assume(t, admin, &awssts.AssumeRoleInput{
		RoleArn: aws.String(a.AddRole(t, admin, localawstest.Role{
			Name: "all", Attached: "arn:aws:iam::aws:policy/AdministratorAccess",
			Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`,
		})),
		RoleSessionName: aws.String("session"), DurationSeconds: aws.Int32(900),
	})
	with := func(keys localawstest.Keys, change func(*localawstest.Keys)) localawstest.Keys {
		change(&keys)
		return keys
	}
	tests := map[string]struct {
		keys  localawstest.Keys
		later time.Duration
		want  map[string]refusal
	}{
		"nothing is wrong": {session, 0, map[string]refusal{"sts": {}, "iam": {}, "kms": {}, "dynamodb": {}, "s3": {}, "lambda": {}}},
		"wrong secret": {with(admin, func(k *localawstest.Keys) { k.SecretAccessKey += "x" }), 0, map[string]refusal{
			"sts": {"SignatureDoesNotMatch", 403}, "iam": {"SignatureDoesNotMatch", 403},
			"kms": {"InvalidSignatureException", 400}, "dynamodb": {"InvalidSignatureException", 400},
			"s3": {"SignatureDoesNotMatch", 403}, "lambda": {"InvalidSignatureException", 403},
		}},
		"unknown key": {with(admin, func(k *localawstest.Keys) { k.AccessKeyID = "AKIAIOSFODNN7EXAMPLE" }), 0, map[string]refusal{
			"sts": {"InvalidClientTokenId", 403}, "iam": {"InvalidClientTokenId", 403},
			"kms": {"UnrecognizedClientException", 400}, "dynamodb": {"UnrecognizedClientException", 400},
			"s3": {"InvalidAccessKeyId", 403}, "lambda": {"UnrecognizedClientException", 403},
		}},
		"session without token": {with(session, func(k *localawstest.Keys) { k.SessionToken = "" }), 0, map[string]refusal{
			"sts": {"InvalidClientTokenId", 403}, "iam": {"InvalidClientTokenId", 403},
			"kms": {"UnrecognizedClientException", 400}, "dynamodb": {"UnrecognizedClientException", 400},
			"s3": {"InvalidAccessKeyId", 403}, "lambda": {"UnrecognizedClientException", 403},
		}},
		"wrong token": {with(session, func(k *localawstest.Keys) { k.SessionToken += "x" }), 0, map[string]refusal{
			"sts": {"InvalidClientTokenId", 403}, "iam": {"InvalidClientTokenId", 403},
			"kms": {"UnrecognizedClientException", 400}, "dynamodb": {"UnrecognizedClientException", 400},
			"s3": {"InvalidToken", 400}, "lambda": {"UnrecognizedClientException", 403},
		}},
		"token of nobody": {with(admin, func(k *localawstest.Keys) { k.SessionToken = "x" }), 0, map[string]refusal{
			"sts": {"InvalidClientTokenId", 403}, "iam": {"InvalidClientTokenId", 403},
			"kms": {"UnrecognizedClientException", 400}, "dynamodb": {"UnrecognizedClientException", 400},
			"s3": {"InvalidToken", 400}, "lambda": {"UnrecognizedClientException", 403},
		}},
		"expired": {session, 15 * time.Minute, map[string]refusal{
			"sts": {"ExpiredToken", 403}, "iam": {"ExpiredToken", 403},
			"kms": {"ExpiredTokenException", 400}, "dynamodb": {"ExpiredTokenException", 400},
			"s3": {"ExpiredToken", 400}, "lambda": {"ExpiredTokenException", 403},
		}},
		"signed too early": {admin, -time.Hour, map[string]refusal{
			"sts": {"SignatureDoesNotMatch", 403}, "iam": {"SignatureDoesNotMatch", 403},
			"kms": {"InvalidSignatureException", 400}, "dynamodb": {"InvalidSignatureException", 400},
			"s3": {"RequestTimeTooSkewed", 403}, "lambda": {"InvalidSignatureException", 403},
		}},
		"signed too long ago": {admin, time.Hour, map[string]refusal{
			"sts": {"SignatureDoesNotMatch", 403}, "iam": {"SignatureDoesNotMatch", 403},
			"kms": {"InvalidSignatureException", 400}, "dynamodb": {"InvalidSignatureException", 400},
			"s3": {"RequestTimeTooSkewed", 403}, "lambda": {"InvalidSignatureException", 403},
		}},
	}
	began := clock
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			clock = began.Add(test.later)
			got := make(map[string]refusal)
			for service, err := range everyService(t, a.Config(test.keys)) {
				got[service] = refusalOf(err)
				if err != nil && got[service] == (refusal{}) {
					t.Errorf("%s: %v is no answer of AWS", service, err)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("refusals (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryServiceDenies(t *testing.T) {
	a := localawstest.Start(t)
	keys := a.AddUser(t, a.Account(account), "nobody", "")
	errs := everyService(t, a.Config(keys))
	got := make(map[string]refusal)
	for service, err := range errs {
		got[service] = refusalOf(err)
	}
	want := map[string]refusal{
		"sts": {}, "iam": {"AccessDenied", 403}, "kms": {"AccessDeniedException", 400},
		"dynamodb": {"AccessDeniedException", 400}, "s3": {"AccessDenied", 403}, "lambda": {"AccessDeniedException", 403},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refusals (-want +got):\n%s", diff)
	}
	wantMessage := "User: arn:aws:iam::" + account + ":user/nobody is not authorized to perform: kms:ListKeys " +
		"on resource: * because no identity-based policy allows the kms:ListKeys action"
	if diff := cmp.Diff(wantMessage, messageOf(errs["kms"])); diff != "" {
		t.Error(diff)
	}
}

// The message says which kind of policy it was.
func TestDenialsNameTheirPolicy(t *testing.T) {
	const (
		all  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
		none = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`
		s3   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}`
	)
	both := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"kms:*","Resource":"*"}]}`
	tests := map[string]struct {
		identity, session, boundary, scp string
		want                             string
	}{
		"nothing":                 {want: "because no identity-based policy allows the kms:ListKeys action"},
		"identity says no":        {identity: both, want: "with an explicit deny in an identity-based policy"},
		"session has nothing":     {identity: all, session: s3, want: "because no session policy allows the kms:ListKeys action"},
		"session says no":         {identity: all, session: none, want: "with an explicit deny in a session policy"},
		"boundary has nothing":    {identity: all, boundary: "AmazonS3FullAccess", want: "because no permissions boundary allows the kms:ListKeys action"},
		"organization lacks it":   {identity: all, scp: s3, want: "because no service control policy allows the kms:ListKeys action"},
		"organization says no":    {identity: all, scp: both, want: "with an explicit deny in a service control policy"},
		"all of them let it pass": {identity: all, session: all, boundary: "AdministratorAccess", scp: all, want: ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			a := localawstest.Start(t)
			admin := a.Account(account)
			role := localawstest.Role{
				Name: "role", Policy: test.identity,
				Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`,
			}
			if test.boundary != "" {
				role.Boundary = "arn:aws:iam::aws:policy/" + test.boundary
			}
			in := &awssts.AssumeRoleInput{RoleArn: aws.String(a.AddRole(t, admin, role)), RoleSessionName: aws.String("session")}
			if test.session != "" {
				in.Policy = &test.session
			}
			keys := a.Assume(t, admin, in)
			if test.scp != "" {
				document, err := policy.Parse([]byte(test.scp))
				if err != nil {
					t.Fatal(err)
				}
				a.SetSCPs(account, [][]*policy.Document{{document}})
			}
			_, err := awskms.NewFromConfig(a.Config(keys)).ListKeys(t.Context(), &awskms.ListKeysInput{})
			if got := messageOf(err); !strings.HasSuffix(got, test.want) || test.want == "" && err != nil {
				t.Errorf("message = %q (%v), want it to end in %q", got, err, test.want)
			}
		})
	}
}

// Global condition keys have the values of the request, and no service or principal can set them.
func TestGlobalConditionKeys(t *testing.T) {
	conditions := map[string]struct {
		condition string
		want      bool
	}{
		"time before":       {`"DateLessThan":{"aws:CurrentTime":"2100-01-01T00:00:00Z"}`, true},
		"time after":        {`"DateGreaterThan":{"aws:CurrentTime":"2100-01-01T00:00:00Z"}`, false},
		"epoch":             {`"NumericGreaterThan":{"aws:EpochTime":"1000000000"}`, true},
		"TLS":               {`"Bool":{"aws:SecureTransport":"true"}`, true},
		"address":           {`"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`, true},
		"another address":   {`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, false},
		"client":            {`"StringLike":{"aws:UserAgent":"*aws-sdk-go-v2*"}`, true},
		"region":            {`"StringEquals":{"aws:RequestedRegion":"us-east-1"}`, true},
		"another region":    {`"StringEquals":{"aws:RequestedRegion":"eu-west-1"}`, false},
		"principal":         {`"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::` + account + `:role/p/role"}`, true},
		"account":           {`"StringEquals":{"aws:PrincipalAccount":"` + account + `","aws:ResourceAccount":"` + account + `"}`, true},
		"tag of the role":   {`"StringEquals":{"aws:PrincipalTag/team":"a"}`, true},
		"tag of session":    {`"StringEquals":{"aws:PrincipalTag/user":"ada"}`, true},
		"source identity":   {`"StringEquals":{"aws:SourceIdentity":"ada"}`, true},
		"user id":           {`"StringLike":{"aws:userid":"AROA*:session"}`, true},
		"no user name":      {`"Null":{"aws:username":"true"}`, true},
		"kind of principal": {`"StringEquals":{"aws:PrincipalType":"AssumedRole"}`, true},
		"not via a service": {`"Bool":{"aws:ViaAWSService":"false","aws:PrincipalIsAWSService":"false"}`, true},
		"issued":            {`"DateLessThan":{"aws:TokenIssueTime":"2100-01-01T00:00:00Z"}`, true},
	}
	a := localawstest.Start(t)
	admin := a.Account(account)
	iam := awsiam.NewFromConfig(a.Config(admin))
	role := a.AddRole(t, admin, localawstest.Role{
		Name: "role", Path: "/p/",
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]}]}`,
	})
	if _, err := iam.TagRole(t.Context(), &awsiam.TagRoleInput{RoleName: aws.String("role"), Tags: iamTags("team", "a")}); err != nil {
		t.Fatal(err)
	}
	keys := a.Assume(t, admin, &awssts.AssumeRoleInput{
		RoleArn: &role, RoleSessionName: aws.String("session"), SourceIdentity: aws.String("ada"), Tags: stsTags("user", "ada"),
	})
	for name, test := range conditions {
		t.Run(name, func(t *testing.T) {
			document := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"kms:ListKeys","Resource":"*","Condition":{` + test.condition + `}}]}`
			if _, err := iam.PutRolePolicy(t.Context(), &awsiam.PutRolePolicyInput{
				RoleName: aws.String("role"), PolicyName: aws.String("p"), PolicyDocument: &document,
			}); err != nil {
				t.Fatal(err)
			}
			_, err := awskms.NewFromConfig(a.Config(keys)).ListKeys(t.Context(), &awskms.ListKeysInput{})
			if got := err == nil; got != test.want {
				t.Errorf("allowed = %v (%v), want %v", got, err, test.want)
			}
		})
	}
}

func TestUnsignedRequests(t *testing.T) {
	a := localawstest.Start(t)
	tests := map[string]struct {
		method, target string
		header         http.Header
		want           string
	}{
		"S3, nobody's":         {http.MethodGet, "/bucket/key", nil, "NoSuchBucket"},
		"DynamoDB":             {http.MethodPost, "/", http.Header{"X-Amz-Target": {"DynamoDB_20120810.ListTables"}}, "MissingAuthenticationTokenException"},
		"KMS":                  {http.MethodPost, "/", http.Header{"X-Amz-Target": {"TrentService.ListKeys"}}, "MissingAuthenticationTokenException"},
		"Lambda":               {http.MethodGet, "/2015-03-31/functions", nil, "MissingAuthenticationTokenException"},
		"STS, by form":         {http.MethodPost, "/", http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}, "MissingAuthenticationToken"},
		"STS, by query":        {http.MethodGet, "/?Action=GetCallerIdentity", nil, "MissingAuthenticationToken"},
		"half a presigned one": {http.MethodGet, "/bucket/key?X-Amz-Signature=x", nil, "AuthorizationQueryParametersError"},
		"version 2":            {http.MethodGet, "/bucket/key?AWSAccessKeyId=a&Signature=b&Expires=1", nil, "InvalidRequest"},
		"another scheme":       {http.MethodGet, "/bucket/key", http.Header{"Authorization": {"Bearer x"}}, "InvalidArgument"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), test.method, localawstest.Endpoint+test.target, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			maps.Copy(r.Header, test.header)
			answer, err := a.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = answer.Body.Close() }()
			calls := a.Calls()
			if got := calls[len(calls)-1].Code; got != test.want {
				t.Errorf("code = %s (status %d), want %s", got, answer.StatusCode, test.want)
			}
		})
	}
}

func TestServiceThatIsNotHere(t *testing.T) {
	a := localawstest.Start(t)
	config := a.Config(a.Account(account))
	client := awssts.NewFromConfig(config, awssts.WithSigV4SigningName("ec2"))
	_, err := client.GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
	if got, want := refusalOf(err), (refusal{"NotImplemented", http.StatusNotImplemented}); got != want {
		t.Errorf("refusal = %v (%v), want %v", got, err, want)
	}
}
