package credentials_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/credentials"
	"github.com/arngate/arngate/shared/telemetry"
)

// What is presigned ends with its credentials: who wants them to last gets fresh ones, once, and no one else's are ended.
func TestTrap37LastingCredentials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker, other := w.instance(), w.instance()
		lasting := request(func(r *credentials.Request) { r.Lasting = 15 * time.Minute })
		first, _ := mustGet(t, broker, request())
		time.Sleep(44 * time.Minute)
		if got, tier := mustGet(t, broker, lasting); got != first || tier != telemetry.Memory {
			t.Errorf("with 16 minutes left: %v from %s", got.Expires, tier)
		}
		time.Sleep(time.Minute)
		if got, tier := mustGet(t, broker, lasting); got != first || tier != telemetry.Memory {
			t.Errorf("with the 15 minutes that were asked for left: %v from %s", got.Expires, tier)
		}
		time.Sleep(time.Minute)
		if got, _ := mustGet(t, broker, request()); got != first {
			t.Error("who doesn't care got others")
		}
		fresh, tier := mustGet(t, broker, lasting)
		if time.Until(fresh.Expires) < 59*time.Minute || tier != telemetry.Minted {
			t.Errorf("with 14 minutes left: %v from %s", time.Until(fresh.Expires), tier)
		}
		if got, tier := mustGet(t, broker, lasting); got != fresh || tier != telemetry.Memory {
			t.Errorf("again: %v from %s", got.Expires, tier)
		}
		if got, tier := mustGet(t, other, lasting); got.AccessKeyID != fresh.AccessKeyID || tier != telemetry.Table {
			t.Errorf("another instance: %s from %s", got.AccessKeyID, tier)
		}
		if n := len(w.sts.calls()); n != 2 {
			t.Errorf("%d mints, want 2", n)
		}
	})
}

// If there are none that last, those that don't still serve.
func TestTrap37LastingCredentialsAreOnlyAWish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		broker := w.instance()
		first, _ := mustGet(t, broker, request())
		time.Sleep(50 * time.Minute)
		w.sts.failNext(accessDenied())
		got, tier, err := broker.Get(t.Context(), request(func(r *credentials.Request) { r.Lasting = time.Hour }))
		if err != nil || got != first || tier != telemetry.Memory {
			t.Errorf("got %v from %s, %v", got.Expires, tier, err)
		}
	})
}
