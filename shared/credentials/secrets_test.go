package credentials_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	awssts "github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

// careless stands between the broker and what it works with, and fails when the secrets are at hand.
type careless struct {
	*seal.Ring

	source credentials.Source
	fails  string
}

func (c careless) Mint(ctx context.Context, r credentials.Request) (credentials.Credentials, error) {
	got, err := c.source.Mint(ctx, r)
	switch c.fails {
	case "with them":
		return got, fmt.Errorf("got %+v and then: %w", got, errors.New("late"))
	case "in a panic":
		panic(got)
	}
	return got, err
}

func (c careless) Seal(ctx context.Context, purpose string, associated, plain []byte) ([]byte, error) {
	if c.fails == "sealing" {
		return nil, errors.New("not sealed")
	}
	return c.Ring.Seal(ctx, purpose, associated, plain)
}

// incomplete is an STS that leaves something out of its answer.
type incomplete struct{ *fakeSTS }

func (i incomplete) AssumeRole(ctx context.Context, in *awssts.AssumeRoleInput, o ...func(*awssts.Options)) (*awssts.AssumeRoleOutput, error) {
	out, err := i.fakeSTS.AssumeRole(ctx, in, o...)
	if out != nil {
		out.Credentials.Expiration = nil
	}
	return out, err
}

// However it ends, no secret is in an error, a log line, a metric or the table, where the stage of the failure had it at hand.
func TestNothingSecretIsTold(t *testing.T) {
	for name, harm := range map[string]func(*world, *careless){
		"not at all":     func(*world, *careless) {},
		"with them":      func(_ *world, c *careless) { c.fails = "with them" },
		"in a panic":     func(_ *world, c *careless) { c.fails = "in a panic" },
		"sealing":        func(_ *world, c *careless) { c.fails = "sealing" },
		"storing":        func(w *world, _ *careless) { w.store.Err = errors.New("table is down") },
		"KMS":            func(w *world, _ *careless) { w.kms.down = true },
		"no expiry":      func(w *world, c *careless) { c.source = credentials.NewMinter(incomplete{w.sts}, nil, nil) },
		"refused":        func(w *world, _ *careless) { w.sts.failNext(accessDenied()) },
		"keys":           func(_ *world, c *careless) { c.source = credentials.NewMinter(nil, &fakeKeySTS{}, fakeVault{}) },
		"keys, refused":  func(_ *world, c *careless) { c.source = refusedKeys() },
		"another's keys": func(_ *world, c *careless) { c.source = credentials.NewMinter(nil, &fakeKeySTS{}, fakeVault{}) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c := &careless{source: credentials.NewMinter(w.sts, nil, nil), Ring: seal.NewRing(w.kms, w.keys, "key", time.Now)}
				harm(w, c)
				broker, err := credentials.NewBroker(c, w.store, c, credentials.Options{})
				if err != nil {
					t.Fatal(err)
				}
				out := telemetry.New(telemetry.Options{Out: secrettest.Log(t), Function: "f"})
				record := out.Begin("r", "l")
				ctx := telemetry.NewContext(t.Context(), record)
				r := request()
				if strings.Contains(name, "keys") {
					keys(&r)
				}
				if name == "another's keys" {
					r.Opened.Provider.Site = siteB
				}
				for range 2 { // what the first left behind, the second meets
					_, tier, err := broker.Get(ctx, r)
					record.SetTier(tier)
					out.Done(ctx, record, telemetry.Outcome{Status: 500, Problem: "internal", Cause: err})
					secrettest.CheckError(t, err)
				}
				for id, sealed := range w.store.Sealed() {
					secrettest.Check(t, "the table", id+string(sealed))
				}
			})
		})
	}
}

func refusedKeys() *credentials.Minter {
	return credentials.NewMinter(nil, &fakeKeySTS{err: refusal(403, "AccessDenied")}, fakeVault{})
}
