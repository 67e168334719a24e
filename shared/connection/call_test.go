package connection_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/problem"
	"github.com/arngate/arngate/shared/telemetry"
)

func refused(code string) error {
	return &smithy.OperationError{ServiceID: "S3", OperationName: "GetObject", Err: &smithy.GenericAPIError{Code: code}}
}

// signer is the access key id that a context's calls are signed with.
func signer(ctx context.Context) string {
	used, _ := awsclient.CredentialsFrom(ctx)
	return used.AccessKeyID
}

func TestCallCarriesTheCallersCredentials(t *testing.T) {
	f := newFixture()
	record := &telemetry.Record{}
	ctx := telemetry.NewContext(t.Context(), record)
	c := f.open(t)
	for _, want := range []string{"ASIA1", "ASIA2"} {
		if err := c.Call(ctx, "GetObject", "s3:GetObject", "", func(ctx context.Context) error {
			if got := signer(ctx); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := record.Fields().Tier, telemetry.Minted; got != want {
		t.Errorf("got tier %s, want the first call's, %s", got, want)
	}
}

func TestCallOnceMoreWhenCredentialsHaveExpired(t *testing.T) {
	for _, code := range []string{
		"ExpiredToken", "InvalidToken", "InvalidAccessKeyId", "ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId",
	} {
		f := newFixture()
		record := &telemetry.Record{}
		var signers []string
		err := f.open(t).Call(telemetry.NewContext(t.Context(), record), "GetObject", "s3:GetObject", "", func(ctx context.Context) error {
			signers = append(signers, signer(ctx))
			if len(signers) == 1 {
				return refused(code)
			}
			return nil
		})
		if err != nil || !slices.Equal(signers, []string{"ASIA1", "ASIA2"}) || !slices.Equal(f.broker.dropped, []string{"ASIA1"}) {
			t.Errorf("%s: got %v, signed by %v, dropped %v", code, err, signers, f.broker.dropped)
		}
		if got, want := record.Fields().Tier, telemetry.Memory; got != want {
			t.Errorf("got tier %s, want that of the credentials that worked, %s", got, want)
		}
	}
}

func TestCallStopsAfterTwo(t *testing.T) {
	f := newFixture()
	calls := 0
	err := f.open(t).Call(t.Context(), "GetObject", "s3:GetObject", "", func(context.Context) error {
		calls++
		return refused("ExpiredToken")
	})
	if p := asProblem(t, err); p.Code != problem.ProviderUnusable || calls != 2 {
		t.Errorf("got %s after %d calls, want provider_unusable after 2", p.Code, calls)
	}
}

func TestCallNamesTheMissingPermission(t *testing.T) {
	for message, want := range map[string][2]string{
		"Access Denied": {"s3:GetObject", "arn:aws:s3:::docs/reports/a"},
		"User: arn:aws:sts::111122223333:assumed-role/demo/ada is not authorized to perform: kms:Decrypt on resource: " +
			"arn:aws:kms:us-east-1:111122223333:key/1 because no identity-based policy allows the kms:Decrypt action": {
			"kms:Decrypt", "arn:aws:kms:us-east-1:111122223333:key/1",
		},
	} {
		f := newFixture()
		calls := 0
		err := f.open(t).Call(t.Context(), "GetObject", "s3:GetObject", "arn:aws:s3:::docs/reports/a", func(context.Context) error {
			calls++
			return &smithy.OperationError{ServiceID: "S3", OperationName: "GetObject", Err: &smithy.GenericAPIError{Code: "AccessDenied", Message: message}}
		})
		p := asProblem(t, err)
		if got := [2]string{p.MissingAction, p.Resource}; p.Code != problem.AWSAccessDenied || got != want || calls != 1 {
			t.Errorf("got %s, %v after %d calls, want %v after one", p.Code, got, calls, want)
		}
	}
}

func TestCallLetsProblemsThrough(t *testing.T) {
	own := problem.New(problem.OrderUnsupported, "no index")
	err := newFixture().open(t).Call(t.Context(), "Query", "", "", func(context.Context) error { return own })
	if got := asProblem(t, err); got != own {
		t.Errorf("got %v, want the same problem", got)
	}
}

func TestCallReportsUnknownOutcomes(t *testing.T) {
	err := newFixture().open(t).Call(t.Context(), "PutObject", "", "", func(context.Context) error {
		return &awsclient.NotRepeatedError{Err: errors.New("connection reset"), Unanswered: true}
	})
	if p := asProblem(t, err); p.Code != problem.OutcomeUnknown || p.Retryable {
		t.Errorf("got %s, retryable %t, want outcome_unknown, not retryable", p.Code, p.Retryable)
	}
}

func TestCallExplainsMissingCredentials(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDenied", Message: "User: arn:aws:sts::999999999999:assumed-role/gateway/x"}
	for _, c := range []struct {
		err  error
		want problem.Code
	}{
		{credentials.ErrAwaitingRole, problem.ProviderAwaitingRole},
		{credentials.ErrUnverified, problem.ProviderUnverified},
		{credentials.ErrUnsafe, problem.ProviderUnsafe},
		{errors.Join(credentials.ErrUnusable, denied), problem.ProviderUnusable},
		{credentials.ErrPolicyTooLarge, problem.ConnectionTooBroad},
		{errors.Join(credentials.ErrThrottled, &smithy.GenericAPIError{Code: "Throttling"}), problem.AWSThrottled},
		{context.DeadlineExceeded, problem.DeadlineExceeded},
		{&smithy.GenericAPIError{Code: "ExpiredToken"}, problem.Internal}, // the gateway's own
		{&smithy.GenericAPIError{Code: "MalformedPolicyDocument"}, problem.Internal},
		{&smithy.OperationError{ServiceID: "STS", OperationName: "AssumeRole", Err: errors.New("no route to host")}, problem.AWSUnavailable},
	} {
		f := newFixture()
		f.broker.err = c.err
		called := false
		err := f.open(t).Call(t.Context(), "GetObject", "s3:GetObject", "", func(context.Context) error {
			called = true
			return nil
		})
		p := asProblem(t, err)
		if p.Code != c.want || called {
			t.Errorf("%v: got %s, called %t, want %s and no call", c.err, p.Code, called, c.want)
		}
		if p.Status() == http.StatusFailedDependency && p.Hint == "" {
			t.Errorf("%s has no hint", p.Code)
		}
		if p.AWS != nil && p.AWS.Message != "" { // trap 22: it speaks of the operator's account
			t.Errorf("%s passes on %q", p.Code, p.AWS.Message)
		}
	}
}
