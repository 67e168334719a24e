package credentials_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/seal"
	"github.com/arngate/arngate/shared/secrettest"
	"github.com/arngate/arngate/shared/telemetry"
)

// source answers every mint alike, and counts them.
type source struct {
	answer credentials.Credentials
	err    error
	mints  int
}

func (s *source) Mint(context.Context, credentials.Request) (credentials.Credentials, error) {
	s.mints++
	return s.answer, s.err
}

func newBroker(t *testing.T, s credentials.Source) *credentials.Broker {
	t.Helper()
	broker, err := credentials.NewBroker(s, newWorld(t).store, newRing(t), credentials.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return broker
}

// Who has the time joins again when shared work ends for want of it, but not for ever.
func TestTimedOutWorkIsJoinedThreeTimes(t *testing.T) {
	s := &source{err: context.DeadlineExceeded}
	if _, _, err := newBroker(t, s).Get(t.Context(), request()); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want that the time was up", err)
	}
	if got, want := s.mints, 3; got != want {
		t.Errorf("got %d mints, want %d", got, want)
	}
}

// Any other error is told at once: what AWS said once it would say again.
func TestOtherErrorsAreToldAtOnce(t *testing.T) {
	broken := errors.New("broken")
	s := &source{err: broken}
	if _, _, err := newBroker(t, s).Get(t.Context(), request()); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	if got, want := s.mints, 1; got != want {
		t.Errorf("got %d mints, want %d", got, want)
	}
}

// Were AWS to hand out what it has just refused, it would be asked for others, but not for ever: the answer is its own.
func TestDroppedCredentialsAreAskedForAnew(t *testing.T) {
	s := &source{answer: credentials.Credentials{
		AccessKeyID: "ASIADROPPED", SecretAccessKey: seal.NewSecret(secrettest.Plant(secrettest.SecretKey, "/dropped")), Expires: time.Now().Add(time.Hour),
	}}
	broker := newBroker(t, s)
	broker.Drop(t.Context(), request(), s.answer.AccessKeyID)
	got, tier, err := broker.Get(t.Context(), request())
	if err != nil || got != s.answer || tier != telemetry.Minted {
		t.Errorf("got %s from %s, %v", got.AccessKeyID, tier, err)
	}
	if got, want := s.mints, 3; got != want {
		t.Errorf("got %d mints, want %d", got, want)
	}
}

// Of two instances that want credentials to last, one makes them and the other gets the same.
func TestTrap37LastingCredentialsAreMadeOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		one, other := w.instance(), w.instance()
		lasting := request(func(r *credentials.Request) { r.Lasting = 15 * time.Minute })
		mustGet(t, one, request())
		mustGet(t, other, request())
		time.Sleep(50 * time.Minute)
		w.sts.delay = time.Second
		answers := make(chan credentials.Credentials, 2)
		for _, broker := range []*credentials.Broker{one, other} {
			go func() {
				got, _, err := broker.Get(t.Context(), lasting)
				if err != nil {
					t.Error(err)
				}
				answers <- got
			}()
		}
		first, second := <-answers, <-answers
		if first.AccessKeyID != "ASIA2" || second.AccessKeyID != "ASIA2" {
			t.Errorf("got %s and %s, want both the second that were made", first.AccessKeyID, second.AccessKeyID)
		}
		for _, broker := range []*credentials.Broker{one, other} {
			if got, tier := mustGet(t, broker, request()); got.AccessKeyID != "ASIA2" || tier != telemetry.Memory {
				t.Errorf("then: %s from %s", got.AccessKeyID, tier)
			}
		}
	})
}

// Nobody waits longer than five seconds for credentials that last, whoever makes them.
func TestTrap37LastingCredentialsKeepTheirBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		one, other := w.instance(), w.instance()
		lasting := request(func(r *credentials.Request) { r.Lasting = 15 * time.Minute })
		first, _ := mustGet(t, one, request())
		mustGet(t, other, request())
		time.Sleep(50 * time.Minute)
		w.sts.delay = time.Minute
		took := make(chan time.Duration, 2)
		for _, broker := range []*credentials.Broker{one, other} {
			go func() {
				began := time.Now()
				if got, _, err := broker.Get(t.Context(), lasting); err != nil || got.AccessKeyID != first.AccessKeyID {
					t.Errorf("got %s, %v, want those that don't last", got.AccessKeyID, err)
				}
				took <- time.Since(began)
			}()
		}
		for range 2 {
			if got, most := <-took, 5*time.Second; got != most {
				t.Errorf("an answer took %s, want %s", got, most)
			}
		}
	})
}

// A refreshed entry is handed out at once, and to whoever comes next.
func TestRefreshedCredentialsAreHandedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker := w.instance()
		mustGet(t, broker, request())
		time.Sleep(57*time.Minute + 30*time.Second)
		for _, want := range []credentials.Tier{telemetry.Minted, telemetry.Memory} {
			if got, tier := mustGet(t, broker, request()); got.AccessKeyID != "ASIA2" || tier != want {
				t.Errorf("got %s from %s, want ASIA2 from %s", got.AccessKeyID, tier, want)
			}
		}
	})
}

// throttledSource is throttled for as long as it is given.
type throttledSource struct{}

func (throttledSource) Mint(ctx context.Context, _ credentials.Request) (credentials.Credentials, error) {
	<-ctx.Done()
	return credentials.Credentials{}, credentials.ErrThrottled
}

// Why it ended is known to who waited for it, not only that the time was up.
func TestHowSharedWorkEndedIsToldInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 { // of two things at the same moment, either is seen first
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, _, err := newBroker(t, throttledSource{}).Get(ctx, request()); !errors.Is(err, credentials.ErrThrottled) {
				t.Errorf("got %v, want ErrThrottled", err)
			}
			cancel()
		}
	})
}
