package deployment_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/localaws"
)

const (
	stampedeInstances = 20
	slowSTS           = 300 * time.Millisecond
	// tableTime makes every instance look at the table before any has written to it.
	tableTime = 5 * time.Millisecond
	// functionTime is what Lambda gives a function by the template.
	functionTime = 29 * time.Second
)

// 20 instances, 200 requests each at once, one cold key, a slow STS: one AssumeRole, and nobody waits much longer than it.
func TestStampedeOfInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		slowest := stampede(t, s, 200, func(int) bool { return false })
		if got, want := len(assumed(s.AWS)), 1; got != want {
			t.Errorf("%d AssumeRole, want %d", got, want)
		}
		t.Attr("mints", fmt.Sprint(len(assumed(s.AWS))))
		t.Attr("slowest-x", fmt.Sprintf("%.2f", slowest.Seconds()/slowSTS.Seconds()))
		if most := slowSTS * 3 / 2; slowest > most {
			t.Errorf("the slowest answer took %s, want at most %s", slowest, most)
		}
	})
}

// The instance that mints for all others dies: before AWS has heard of it, or after AWS has answered.
func TestStampedeOutlivesTheLeaseHolder(t *testing.T) {
	for name, c := range map[string]struct {
		answered bool
		want     int
	}{
		"before AWS heard of it": {false, 1},
		"after AWS answered":     {true, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				death := &death{answered: c.answered}
				s := deploymenttest.InProcess(t, deploymenttest.Options{Between: death.between})
				death.arm()
				slowest := stampede(t, s, 50, death.met)
				if death.victim == "" {
					t.Error("nobody died")
				}
				if got := len(assumed(s.AWS)); got != c.want {
					t.Errorf("%d AssumeRole, want %d", got, c.want)
				}
				if most := 4 * time.Second; slowest > most { // the lease, and one more mint
					t.Errorf("the slowest answer took %s, want at most %s", slowest, most)
				}
			})
		})
	}
}

// stampede sends the same event to new instances, so many times to each, all at once, and returns how long the slowest answer
// took. Those
// of instances that died are nobody's.
func stampede(t *testing.T, s *deploymenttest.Stack, requests int, died func(instance int) bool) time.Duration {
	t.Helper()
	event, err := os.ReadFile(filepath.Join(deploymenttest.Root(t), "events", "dynamodb-list-tables.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.AWS.ResetCalls()
	s.AWS.Inject(localaws.Fault{Service: "sts", Operation: "AssumeRole", Delay: slowSTS})
	s.AWS.Inject(localaws.Fault{Service: "dynamodb", Delay: tableTime})
	instances := make([]lambda.Handler, stampedeInstances)
	for i := range instances {
		if instances[i], err = s.Instance(t.Context(), "DynamodbFunction"); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until it has made its first call, whose order tells instances apart
	}
	var mu sync.Mutex
	var slowest time.Duration
	var all sync.WaitGroup
	for i, instance := range instances {
		for range requests {
			all.Go(func() {
				began := time.Now()
				status, body := send(t, instance, event)
				if died(i) {
					return
				}
				if status != http.StatusOK {
					t.Errorf("instance %d answered %d %s", i, status, body)
				}
				mu.Lock()
				defer mu.Unlock()
				slowest = max(slowest, time.Since(began))
			})
		}
	}
	all.Wait()
	return slowest
}

// send has an instance answer an event within the time that Lambda would give it.
func send(t *testing.T, instance lambda.Handler, event []byte) (status int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), functionTime)
	defer cancel()
	answer, err := instance.Invoke(ctx, event)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	var got struct {
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Error(err)
	}
	return got.StatusCode, got.Body
}

// death ends the first instance that assumes a role once it is armed: none of its calls arrives any more, nor any answer to
// them. An instance is known by the credentials of its own that it signs with.
type death struct {
	answered bool // AWS has answered its AssumeRole by then

	next    http.RoundTripper
	mu      sync.Mutex
	armed   bool
	signers []string // since then, in the order of their first calls
	victim  string
}

func (d *death) between(next http.RoundTripper) http.RoundTripper {
	d.next = next
	return d
}

func (d *death) arm() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.armed = true
}

// RoundTrip passes a call on, unless it is the victim's.
func (d *death) RoundTrip(r *http.Request) (*http.Response, error) {
	dies, dead := d.comesTo(signature(r))
	if !dead {
		return d.next.RoundTrip(r)
	}
	if dies && d.answered {
		response, err := d.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		_ = response.Body.Close() // nobody is left to read it
	}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// comesTo says whether who signs a call for a service dies by it, or is dead.
func (d *death) comesTo(signer, service string) (dies, dead bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.armed {
		return false, false
	}
	if !slices.Contains(d.signers, signer) {
		d.signers = append(d.signers, signer)
	}
	if dies = service == "sts" && d.victim == ""; dies {
		d.victim = signer
	}
	return dies, d.victim == signer
}

// met says whether that one of the instances that have begun since is dead.
func (d *death) met(instance int) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.signers[instance] == d.victim
}

// signature is the access key id that a call is signed with, and the service that it is meant for.
func signature(r *http.Request) (accessKeyID, service string) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")
	if len(parts) < 4 {
		return "", ""
	}
	return parts[0], parts[3]
}
