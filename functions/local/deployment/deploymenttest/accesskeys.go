package deploymenttest

import (
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
)

// Keys are a long-lived access key.
type Keys struct{ AccessKeyID, SecretAccessKey string }

// User creates an IAM user in the demo customer's account with an inline policy, and returns an access key of it.
func (s *Stack) User(name, policy string) Keys {
	s.tb.Helper()
	iam := awsiam.NewFromConfig(s.Customer())
	if _, err := iam.CreateUser(s.tb.Context(), &awsiam.CreateUserInput{UserName: &name}); err != nil {
		s.tb.Fatal(err)
	}
	s.UserPolicy(name, policy)
	made, err := iam.CreateAccessKey(s.tb.Context(), &awsiam.CreateAccessKeyInput{UserName: &name})
	if err != nil {
		s.tb.Fatal(err)
	}
	return Keys{AccessKeyID: *made.AccessKey.AccessKeyId, SecretAccessKey: *made.AccessKey.SecretAccessKey}
}

// UserPolicy replaces the inline policy of a user in the demo customer's account.
func (s *Stack) UserPolicy(name, policy string) {
	s.tb.Helper()
	_, err := awsiam.NewFromConfig(s.Customer()).PutUserPolicy(s.tb.Context(), &awsiam.PutUserPolicyInput{
		UserName: &name, PolicyName: aws.String("inline"), PolicyDocument: &policy,
	})
	if err != nil {
		s.tb.Fatal(err)
	}
}

// KeyProvider registers a provider of the demo site on an access key, verifies it, and returns its status then.
// Scoping may be empty.
func (s *Stack) KeyProvider(name string, keys Keys, scoping string) (status string) {
	s.tb.Helper()
	if scoping != "" {
		scoping = fmt.Sprintf(`,"scoping":%q`, scoping)
	}
	s.must(s.Call(http.MethodPost, "/v1/providers", s.Admin(), fmt.Sprintf(
		`{"name":%q,"method":"access_keys","access_key_id":%q,"secret_access_key":%q%s}`,
		name, keys.AccessKeyID, keys.SecretAccessKey, scoping)), nil)
	return s.Verify(name).Field("status")
}

// Verify verifies a provider of the demo site.
func (s *Stack) Verify(provider string) Answer {
	s.tb.Helper()
	answer := s.Call(http.MethodPost, "/v1/providers/"+provider+"/verify", s.Admin(), "")
	s.must(answer, nil)
	return answer
}
