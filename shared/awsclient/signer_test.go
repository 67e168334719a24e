package awsclient_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/auditclient"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/secrettest"
)

// trap 5: who knows an access key's id, which is no secret, can't sign with what its owner's call has left behind.
func TestTrap5AnIDIsNoSecret(t *testing.T) {
	local := localawstest.Start(t)
	administrator := local.Account("111122223333")
	clients := awsclient.New(awsclient.Options{Endpoint: local.Endpoint(), Transport: local.Transport()})
	sts, err := clients.STS(region)
	if err != nil {
		t.Fatal(err)
	}
	iam, err := auditclient.Clients{Clients: clients}.IAM(region)
	if err != nil {
		t.Fatal(err)
	}
	calls := map[string]func(context.Context) error{
		"sts": func(ctx context.Context) error {
			_, err := sts.GetCallerIdentity(ctx, &awssts.GetCallerIdentityInput{})
			return err
		},
		"iam": func(ctx context.Context) error {
			_, err := iam.ListUsers(ctx, &awsiam.ListUsersInput{})
			return err
		},
	}
	for name, call := range calls {
		for i, secret := range []string{administrator.SecretAccessKey, secrettest.Plant(secrettest.SecretKey, "guessed"), administrator.SecretAccessKey} {
			err := call(awsclient.WithCredentials(t.Context(), aws.Credentials{AccessKeyID: administrator.AccessKeyID, SecretAccessKey: secret}))
			if want := i == 1; (err != nil) != want {
				t.Errorf("%s: call %d: got %v, want refused %t", name, i, err, want)
			}
		}
	}
}
