package localaws_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

func TestWhoAmI(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *localawstest.AWS{
		"in process": func(tb testing.TB) *localawstest.AWS { tb.Helper(); return localawstest.Start(tb) },
		"listener":   func(tb testing.TB) *localawstest.AWS { tb.Helper(); return localawstest.Listen(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			local := start(t)
			out, err := awssts.NewFromConfig(local.Config(local.Account("111122223333"))).
				GetCallerIdentity(t.Context(), &awssts.GetCallerIdentityInput{})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := *out.Arn, "arn:aws:iam::111122223333:user/administrator"; got != want {
				t.Errorf("Arn = %s, want %s", got, want)
			}
		})
	}
}

func TestTransportLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		local := localawstest.Start(t)
		client := awssts.NewFromConfig(local.Config(local.Account("111122223333")))
		if _, err := client.GetCallerIdentity(context.Background(), &awssts.GetCallerIdentityInput{}); err != nil {
			t.Fatal(err)
		}
	})
}

// Calls, edits of what authorizes them and reads of the log go on side by side; the race detector looks on.
func TestConcurrentUse(t *testing.T) {
	a := localawstest.Start(t)
	admin := a.Account(account)
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`
	arn := a.AddRole(t, admin, localawstest.Role{Name: "role", Trust: trust})
	stsClient, iamClient := awssts.NewFromConfig(a.Config(admin)), awsiam.NewFromConfig(a.Config(admin))
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 20 {
				if _, err := stsClient.AssumeRole(t.Context(), &awssts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("session")}); err != nil {
					t.Errorf("assume role: %v", err)
				}
				if _, err := iamClient.UpdateAssumeRolePolicy(t.Context(), &awsiam.UpdateAssumeRolePolicyInput{RoleName: aws.String("role"), PolicyDocument: &trust}); err != nil {
					t.Errorf("update trust policy: %v", err)
				}
				_ = a.Calls()
			}
		})
	}
	group.Wait()
}
