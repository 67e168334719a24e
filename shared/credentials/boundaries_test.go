package credentials

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	ststypes "github.com/aws/aws-sdk-go-v2/service/sts/types"

	"github.com/arngate/arngate/shared/secrettest"
)

// These hold the code at its edges, where mutants of it had passed.

func TestRefreshIsClaimedOnceAPause(t *testing.T) {
	now := time.Now()
	e := newEntry(Credentials{Expires: now.Add(2 * time.Minute)})
	for _, c := range []struct {
		after time.Duration
		want  bool
	}{
		{0, true}, {0, false}, {refreshPause - 1, false}, {refreshPause, true}, {refreshPause, false}, {2*refreshPause - 1, false}, {2 * refreshPause, true},
	} {
		if got := e.claimRefresh(now.Add(c.after)); got != c.want {
			t.Errorf("after %s: got %t, want %t", c.after, got, c.want)
		}
	}
}

func TestAnswersLackNothing(t *testing.T) {
	now := time.Now()
	whole := func() *ststypes.Credentials {
		return &ststypes.Credentials{
			AccessKeyId: aws.String("ASIA1"), SecretAccessKey: aws.String(secrettest.Plant(secrettest.SecretKey, "whole")), Expiration: aws.Time(now.Add(time.Hour)),
		}
	}
	if _, err := (minted{answer: whole()}).credentials(now); err != nil {
		t.Errorf("whole: %v", err)
	}
	if _, err := (minted{}).credentials(now); err == nil {
		t.Error("nothing is taken for credentials")
	}
	for name, lose := range map[string]func(*ststypes.Credentials){
		"expiry": func(c *ststypes.Credentials) { c.Expiration = nil },
		"id":     func(c *ststypes.Credentials) { c.AccessKeyId = nil },
		"an id":  func(c *ststypes.Credentials) { c.AccessKeyId = aws.String("") },
		"secret": func(c *ststypes.Credentials) { c.SecretAccessKey = nil },
	} {
		answer := whole()
		lose(answer)
		if got, err := (minted{answer: answer}).credentials(now); err == nil {
			t.Errorf("without %s: they are taken, until %s", name, got.Expires)
		}
	}
}
