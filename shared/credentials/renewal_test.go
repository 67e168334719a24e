package credentials_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/shared/telemetry"
)

// An instance that finds credentials in the table takes them as they are, or, if they are in their last three minutes, makes
// others in their place at once.
func TestCredentialsFoundInTheirLastMinutesAreRenewed(t *testing.T) {
	for age, want := range map[time.Duration]telemetry.Tier{
		30 * time.Minute: telemetry.Table, 57*time.Minute - time.Millisecond: telemetry.Table, 57 * time.Minute: telemetry.Minted, 58 * time.Minute: telemetry.Minted,
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			first, _ := mustGet(t, w.instance(), request())
			time.Sleep(age)
			got, tier := mustGet(t, w.instance(), request())
			if fresh := got.AccessKeyID != first.AccessKeyID; tier != want || fresh != (want == telemetry.Minted) {
				t.Errorf("after %s: %s from %s, want them from %s", age, got.AccessKeyID, tier, want)
			}
			if left := time.Until(got.Expires); want == telemetry.Minted && left < 59*time.Minute {
				t.Errorf("after %s: they live for %s", age, left)
			}
		})
	}
}
