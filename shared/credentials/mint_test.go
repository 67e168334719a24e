package credentials_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/registry"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

func tags(in *awssts.AssumeRoleInput) map[string]string {
	got := map[string]string{}
	for _, tag := range in.Tags {
		got[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return got
}

func full(r *credentials.Request) { r.Opened.State.Trace = registry.TraceFull }

func TestMintAssumesTheRole(t *testing.T) {
	w := newWorld(t)
	if _, err := credentials.NewMinter(w.sts, nil, nil).Mint(t.Context(), request(full, func(r *credentials.Request) {
		r.Caller.Actor, r.Caller.User = "backend", "a:b"
	})); err != nil {
		t.Fatal(err)
	}
	in := w.sts.calls()[0]
	got := map[string]any{
		"role": *in.RoleArn, "external id": *in.ExternalId, "policy": *in.Policy, "seconds": *in.DurationSeconds,
		"name": *in.RoleSessionName, "source identity": *in.SourceIdentity, "tags": tags(in),
	}
	want := map[string]any{
		"role": "arn:aws:iam::111122223333:role/skuid-assumable-role/demo", "external id": siteA,
		"policy": `{"Statement":[]}`, "seconds": int32(3600),
		"name": credentials.SessionName("a:b", siteA), "source identity": credentials.SourceIdentity("a:b"),
		"tags": map[string]string{
			"arngate:site": siteA, "arngate:user": "a:b", "arngate:actor": "backend", "arngate:connection": "files",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The external id is the caller's site, whatever the registry's entries say.
func TestExternalIDIsTheCallersSite(t *testing.T) {
	w := newWorld(t)
	r := request(func(r *credentials.Request) { r.Opened.Provider.Site, r.Opened.Connection.Site = siteB, siteB })
	if _, err := credentials.NewMinter(w.sts, nil, nil).Mint(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if got, want := *w.sts.calls()[0].ExternalId, siteA; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Roles whose trust policy allows only sts:AssumeRole must work, and a mint never guesses.
func TestTrap6TracingOnlyWhereVerifySawIt(t *testing.T) {
	for _, trace := range []registry.Trace{registry.TraceName, ""} {
		w := newWorld(t)
		w.sts.failNext(accessDenied())
		r := request(func(r *credentials.Request) { r.Opened.State.Trace = trace })
		_, err := credentials.NewMinter(w.sts, nil, nil).Mint(t.Context(), r)
		if !errors.Is(err, credentials.ErrUnusable) || len(w.sts.calls()) != 1 {
			t.Errorf("got %v after %d calls, want ErrUnusable after one", err, len(w.sts.calls()))
		}
		if in := w.sts.calls()[0]; len(in.Tags) > 0 || in.SourceIdentity != nil {
			t.Errorf("trace %q: got tags %v and source identity %v, want none", trace, in.Tags, in.SourceIdentity)
		}
	}
}

// One Minter serves everyone at the same time: each under their own name, for the whole hour, which stscreds' provider would not.
func TestTrap4EveryoneUnderTheirOwnName(t *testing.T) {
	w := newWorld(t)
	minter := credentials.NewMinter(w.sts, nil, nil)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			r := request(func(r *credentials.Request) { r.Caller.User = fmtCallers(i) })
			if _, err := minter.Mint(t.Context(), r); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	names := map[string]bool{}
	for _, call := range w.sts.calls() {
		names[*call.RoleSessionName] = true
		if *call.DurationSeconds != 3600 {
			t.Errorf("%s: got %d seconds, want 3600", *call.RoleSessionName, *call.DurationSeconds)
		}
	}
	if len(names) != 50 {
		t.Errorf("got %d names, want 50", len(names))
	}
}

func TestTrap7PackedPolicyTooLarge(t *testing.T) {
	w := newWorld(t)
	w.sts.failNext(packedTooLarge())
	var log bytes.Buffer
	ctx := telemetry.NewContext(t.Context(), telemetry.New(telemetry.Options{Out: secrettest.Tee(t, &log)}).Begin("r", "l"))
	if _, err := credentials.NewMinter(w.sts, nil, nil).Mint(ctx, request(full)); err != nil {
		t.Fatal(err)
	}
	calls := w.sts.calls()
	if len(calls) != 2 || len(calls[1].Tags) != 0 || calls[1].SourceIdentity == nil || *calls[1].Policy != *calls[0].Policy {
		t.Errorf("got %d calls, want a second without tags but with all else", len(calls))
	}
	if !strings.Contains(log.String(), `"without_tags":true`) {
		t.Errorf("the log does not say so: %s", log.String())
	}
	w.sts.failNext(packedTooLarge(), packedTooLarge())
	if _, err := credentials.NewMinter(w.sts, nil, nil).Mint(ctx, request(full)); !errors.Is(err, credentials.ErrPolicyTooLarge) {
		t.Errorf("got %v, want ErrPolicyTooLarge", err)
	}
	w.sts.failNext(packedTooLarge()) // there are no tags to leave out
	if _, err := credentials.NewMinter(w.sts, nil, nil).Mint(ctx, request()); !errors.Is(err, credentials.ErrPolicyTooLarge) {
		t.Errorf("got %v, want ErrPolicyTooLarge", err)
	}
}

func TestTrap8ThrottlingIsNotARefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.sts.failNext(throttling(), throttling(), throttling())
		record := &telemetry.Record{}
		ctx := telemetry.NewContext(t.Context(), record)
		if _, err := credentials.NewMinter(w.sts, nil, nil).Mint(ctx, request()); err != nil {
			t.Fatal(err)
		}
		if got, want := record.Counted(telemetry.STSThrottles), int64(3); got != want {
			t.Errorf("got %d throttles counted, want %d", got, want)
		}
	})
}

func TestTrap8ThrottledUntilTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for range 100 {
			w.sts.failNext(throttling())
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		_, err := credentials.NewMinter(w.sts, nil, nil).Mint(ctx, request())
		if !errors.Is(err, credentials.ErrThrottled) || errors.Is(err, credentials.ErrUnusable) || ctx.Err() != nil {
			t.Errorf("got %v (context: %v), want ErrThrottled before the deadline", err, ctx.Err())
		}
		if got := len(w.sts.calls()); got > 10 {
			t.Errorf("got %d calls in 3 s, want them to back off", got)
		}
	})
}

func TestMintLogsWhoGotWhich(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	ctx := telemetry.NewContext(t.Context(), telemetry.New(telemetry.Options{Out: secrettest.Tee(t, &log)}).Begin("r", "l"))
	if _, err := credentials.NewMinter(w.sts, nil, nil).Mint(ctx, request()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"session_name":"ada@` + siteA + `"`, `"access_key_id":"ASIA1"`, `"site":"` + siteA + `"`, `"user":"ada"`,
		`"actor":"ada"`, `"connection":"files"`, `"aws_request_id":`,
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("%s is not in %s", want, log.String())
		}
	}
}

func TestCredentialsNeverPrint(t *testing.T) {
	w := newWorld(t)
	got, err := credentials.NewMinter(w.sts, nil, nil).Mint(t.Context(), request())
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", slog.Any("credentials", got))
	secrettest.Check(t, "the log", log.String())
	secrettest.Check(t, "a dump", fmt.Sprintf("%v %+v %#v", got, got, got))
	if c := got.AWS(); c.SecretAccessKey != plantedKey || c.SessionToken != plantedToken || !c.CanExpire {
		t.Error("the SDK's form lacks something")
	}
}

// fakeKeySTS takes the customer's keys, and remembers who signed.
type fakeKeySTS struct {
	federations []*awssts.GetFederationTokenInput
	sessions    []*awssts.GetSessionTokenInput
	signedBy    []aws.Credentials
	err         error
}

func (f *fakeKeySTS) sign(ctx context.Context, options []func(*awssts.Options)) {
	var o awssts.Options
	for _, option := range options {
		option(&o)
	}
	if o.Credentials == nil {
		f.signedBy = append(f.signedBy, aws.Credentials{})
		return
	}
	signer, _ := o.Credentials.Retrieve(ctx)
	f.signedBy = append(f.signedBy, signer)
}

func (f *fakeKeySTS) answer() *ststypes.Credentials {
	return &ststypes.Credentials{
		AccessKeyId: aws.String("ASIAFED"), SecretAccessKey: aws.String(plantedKey), SessionToken: &plantedToken,
		Expiration: aws.Time(time.Now().Add(time.Hour)),
	}
}

func (f *fakeKeySTS) GetFederationToken(ctx context.Context, in *awssts.GetFederationTokenInput, o ...func(*awssts.Options)) (*awssts.GetFederationTokenOutput, error) {
	f.federations = append(f.federations, in)
	f.sign(ctx, o)
	return &awssts.GetFederationTokenOutput{Credentials: f.answer()}, f.err
}

func (f *fakeKeySTS) GetSessionToken(ctx context.Context, in *awssts.GetSessionTokenInput, o ...func(*awssts.Options)) (*awssts.GetSessionTokenOutput, error) {
	f.sessions = append(f.sessions, in)
	f.sign(ctx, o)
	return &awssts.GetSessionTokenOutput{Credentials: f.answer()}, f.err
}

// fakeVault opens what was sealed for the provider of site A.
type fakeVault struct{}

func (fakeVault) DecryptSecret(_ context.Context, site, provider string, sealed []byte) (seal.Secret, error) {
	if site != siteA || provider != "main" {
		return seal.Secret{}, errors.New("another's secret")
	}
	return seal.NewSecret(secrettest.Plant(secrettest.SecretKey, "/opened/"+string(sealed))), nil
}

func keys(r *credentials.Request) {
	r.Opened.Provider.Method, r.Opened.Provider.RoleARN = registry.AccessKeys, ""
	r.Opened.Provider.AccessKeyID, r.Opened.Provider.SealedSecret = "AKIACUSTOMER", []byte("sealed")
}

func TestMintFromAccessKeys(t *testing.T) {
	sts := &fakeKeySTS{}
	got, err := credentials.NewMinter(nil, sts, fakeVault{}).Mint(t.Context(), request(keys))
	if err != nil || got.AccessKeyID != "ASIAFED" {
		t.Fatal(got.AccessKeyID, err)
	}
	in := sts.federations[0]
	if *in.Name != credentials.FederationName("ada", siteA) || *in.Policy != `{"Statement":[]}` || *in.DurationSeconds != 3600 {
		t.Errorf("got name %s, policy %s, seconds %d", *in.Name, *in.Policy, *in.DurationSeconds)
	}
	if by := sts.signedBy[0]; by.AccessKeyID != "AKIACUSTOMER" || by.SecretAccessKey != secrettest.Plant(secrettest.SecretKey, "/opened/sealed") {
		t.Errorf("signed by %s, want the customer's key", by.AccessKeyID)
	}
	if len(sts.sessions) > 0 {
		t.Error("GetSessionToken is called although scoping is asked for")
	}
}

func TestMintUnscopedOnlyWhereAsked(t *testing.T) {
	sts := &fakeKeySTS{}
	none := func(r *credentials.Request) { r.Opened.Provider.Scoping = registry.ScopingNone }
	if _, err := credentials.NewMinter(nil, sts, fakeVault{}).Mint(t.Context(), request(keys, none)); err != nil {
		t.Fatal(err)
	}
	if len(sts.sessions) != 1 || len(sts.federations) != 0 || sts.signedBy[0].AccessKeyID != "AKIACUSTOMER" {
		t.Errorf("got %d session tokens and %d federation tokens, want one and none", len(sts.sessions), len(sts.federations))
	}
}

// Refused keys are the provider's fault; nothing falls back to anything, not even from scoped to unscoped.
func TestTrap5RefusedKeysDoNotFallBack(t *testing.T) {
	for _, code := range []string{"AccessDenied", "InvalidClientTokenId", "SignatureDoesNotMatch"} {
		sts := &fakeKeySTS{err: refusal(403, code)}
		_, err := credentials.NewMinter(nil, sts, fakeVault{}).Mint(t.Context(), request(keys))
		if !errors.Is(err, credentials.ErrUnusable) || len(sts.federations) != 1 || len(sts.sessions) != 0 {
			t.Errorf("%s: got %v, %d and %d calls", code, err, len(sts.federations), len(sts.sessions))
		}
	}
}

// What STS says of the gateway's own credentials is not the customer's fault.
func TestGatewaysOwnTroubleIsNotTheProviders(t *testing.T) {
	for _, code := range []string{"ExpiredToken", "InvalidClientTokenId", "SignatureDoesNotMatch", "InternalFailure"} {
		w := newWorld(t)
		w.sts.failNext(refusal(403, code))
		_, err := credentials.NewMinter(w.sts, nil, nil).Mint(t.Context(), request())
		if err == nil || errors.Is(err, credentials.ErrUnusable) {
			t.Errorf("%s: got %v, want an error that is not ErrUnusable", code, err)
		}
	}
}
