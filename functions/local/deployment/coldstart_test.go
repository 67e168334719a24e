package deployment_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// slowKey is an AWS whose KMS takes a second for each call, and counts those under way.
type slowKey struct {
	http.RoundTripper

	slow     atomic.Bool
	underWay atomic.Int64
}

// RoundTrip serves one call.
func (k *slowKey) RoundTrip(r *http.Request) (*http.Response, error) {
	if k.slow.Load() && strings.HasPrefix(r.Header.Get("X-Amz-Target"), "TrentService.") {
		k.underWay.Add(1)
		defer k.underWay.Add(-1)
		time.Sleep(time.Second)
	}
	return k.RoundTripper.RoundTrip(r)
}

// Nothing that an instance begins before its first invocation outlives that, needed or not; and who needs the data keys doesn't ask
// KMS for them once more.
func TestColdStartIsOverWithItsFirstAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path string
		want int
	}{
		"keys that are needed":      {"/v1/dynamodb/orders/tables", http.StatusOK},
		"keys that nobody asks for": {"/v1/dynamodb/nowhere/tables", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			event, err := os.ReadFile(filepath.Join(deploymenttest.Root(t), "events", "dynamodb-list-tables.json"))
			if err != nil {
				t.Fatal(err)
			}
			connection := strings.Split(c.path, "/")[3]
			event = bytes.ReplaceAll(event, []byte(`"connection": "orders"`), []byte(`"connection": "`+connection+`"`))
			event = bytes.ReplaceAll(event, []byte("/v1/dynamodb/orders/tables"), []byte(c.path))
			synctest.Test(t, func(t *testing.T) {
				key := &slowKey{}
				s := deploymenttest.InProcess(t, deploymenttest.Options{Between: func(next http.RoundTripper) http.RoundTripper {
					key.RoundTripper = next
					return key
				}})
				time.Sleep(3 * time.Second) // until every function has its keys
				key.slow.Store(true)
				began := time.Now()
				instance, err := s.Instance(t.Context(), "DynamodbFunction")
				if err != nil {
					t.Fatal(err)
				}
				if status, body := send(t, instance, event); status != c.want {
					t.Errorf("got %d %s, want %d", status, body, c.want)
				}
				if got := key.underWay.Load(); got != 0 {
					t.Errorf("%d calls of KMS are under way after the answer", got)
				}
				if took := time.Since(began); took != time.Second {
					t.Errorf("it took %s, and KMS a second", took)
				}
			})
		})
	}
}
