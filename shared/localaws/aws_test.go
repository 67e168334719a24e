package localaws_test

import (
	"context"
	"testing"
	"testing/synctest"

	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

func TestWhoAmI(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *localawstest.AWS{
		"in process": func(tb testing.TB) *localawstest.AWS { tb.Helper(); return localawstest.Start(tb) },
		"listener":   func(tb testing.TB) *localawstest.AWS { tb.Helper(); return localawstest.Listen(tb) },
	} {
		t.Run(name, func(t *testing.T) {
			aws := start(t)
			out, err := awssts.NewFromConfig(aws.Config(aws.Account("111122223333"))).
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
		aws := localawstest.Start(t)
		client := awssts.NewFromConfig(aws.Config(aws.Account("111122223333")))
		if _, err := client.GetCallerIdentity(context.Background(), &awssts.GetCallerIdentityInput{}); err != nil {
			t.Fatal(err)
		}
	})
}
