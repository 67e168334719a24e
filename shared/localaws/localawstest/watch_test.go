package localawstest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/secrettest"
)

const account = "111122223333"

// recorder is a test that keeps what it is failed for.
type recorder struct {
	testing.TB

	failures []string
}

func (r *recorder) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

// What the local AWS issues is planted, all of it: what isn't would be looked for in vain.
func TestSecretsArePlanted(t *testing.T) {
	local := localawstest.Start(t)
	administrator := local.Account(account)
	user := local.AddUser(t, administrator, "ada", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	_, root := local.AddRootKey(account)
	role := local.AddRole(t, administrator, localawstest.Role{
		Name: "r", Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`,
	})
	served, err := local.AssumeAsService("lambda.amazonaws.com", role, "served")
	if err != nil {
		t.Fatal(err)
	}
	sts := awssts.NewFromConfig(local.Config(user))
	federated, err := sts.GetFederationToken(t.Context(), &awssts.GetFederationTokenInput{Name: aws.String("ada")})
	if err != nil {
		t.Fatal(err)
	}
	session, err := sts.GetSessionToken(t.Context(), &awssts.GetSessionTokenInput{})
	if err != nil {
		t.Fatal(err)
	}
	kms := awskms.NewFromConfig(local.Config(administrator))
	key, err := kms.CreateKey(t.Context(), &awskms.CreateKeyInput{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := kms.GenerateDataKey(t.Context(), &awskms.GenerateDataKeyInput{KeyId: key.KeyMetadata.KeyId, NumberOfBytes: aws.Int32(32)})
	if err != nil {
		t.Fatal(err)
	}
	for kind, secrets := range map[secrettest.Kind][]string{
		secrettest.SecretKey: {
			administrator.SecretAccessKey, user.SecretAccessKey, root, served.SecretAccessKey,
			*federated.Credentials.SecretAccessKey, *session.Credentials.SecretAccessKey,
		},
		secrettest.SessionToken: {served.SessionToken, *federated.Credentials.SessionToken, *session.Credentials.SessionToken},
		secrettest.DataKey:      {string(data.Plaintext)},
	} {
		for i, secret := range secrets {
			if !secrettest.Planted(kind, secret) {
				t.Errorf("%s %d is not planted", kind, i)
			}
		}
	}
	if len(secrettest.In(string(data.CiphertextBlob))) > 0 {
		t.Error("a wrapped data key shows the key")
	}
}

// What is sent to be kept is searched, whether it is carried out or not.
func TestWhatIsKeptIsSearched(t *testing.T) {
	r := &recorder{TB: t}
	local := localawstest.Start(r)
	cfg := local.Config(local.Account(account))
	secret := secrettest.Plant(secrettest.SecretKey, "x")
	for name, send := range map[string]func(text string) error{
		"dynamodb:PutItem": func(text string) error {
			_, err := awsdynamodb.NewFromConfig(cfg).PutItem(t.Context(), &awsdynamodb.PutItemInput{
				TableName: aws.String("Registry"), Item: map[string]types.AttributeValue{
					"pk": &types.AttributeValueMemberM{Value: map[string]types.AttributeValue{"x": &types.AttributeValueMemberB{Value: []byte(text)}}},
				},
			})
			return err
		},
		"sqs:SendMessage": func(text string) error {
			_, err := awssqs.NewFromConfig(cfg).SendMessage(t.Context(), &awssqs.SendMessageInput{
				QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/" + account + "/q"), MessageBody: &text,
			})
			return err
		},
	} {
		for text, want := range map[string]int{secret: 1, "nothing of the kind": 0} {
			r.failures = nil
			if err := send(text); err != nil && !strings.Contains(err.Error(), "ResourceNotFound") {
				t.Fatal(err)
			}
			if len(r.failures) != want || (want > 0 && !strings.Contains(r.failures[0], name)) {
				t.Errorf("%s of %s: got %q, want %d failures", name, text, r.failures, want)
			}
		}
	}
}
