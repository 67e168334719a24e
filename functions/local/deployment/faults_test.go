package deployment_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/localaws"
)

// trouble is how one of the services that Arngate stands on fails.
type trouble struct {
	fault localaws.Fault
	clock time.Duration // by which the service's clock is off
}

// troubles are by name; throttle is the service's own code for it.
func troubles(throttle string) map[string]trouble {
	return map[string]trouble{
		"throttle": {fault: localaws.Fault{Status: http.StatusBadRequest, Code: throttle}},
		"500":      {fault: localaws.Fault{Status: http.StatusInternalServerError}},
		"slow":     {fault: localaws.Fault{Delay: time.Hour}},
		"cut":      {fault: localaws.Fault{Cut: true}},
		"ahead":    {clock: 10 * time.Minute},
		"behind":   {clock: -10 * time.Minute},
	}
}

// seen is what callers see while a service is in trouble: status, and code of the problem or tier of the credentials.
type seen struct {
	Warm   string // an instance that has done the same within 30 seconds
	Later  string // one that has done it before those: it looks at the registry again
	Cold   string // a new instance, a new user
	Keys   string // the same through a provider on access keys
	Verify string // POST /v1/providers/{name}/verify
	Admin  string // GET /v1/providers/{name}
}

const (
	memory      = "200 memory"
	minted      = "200 minted"
	ok          = "200"
	throttled   = "429 aws_throttled"
	unavailable = "502 aws_unavailable"
	late        = "504 deadline_exceeded"
)

// untroubled is what is seen when a clock is off by ten minutes, whosever it is: the SDK learns it from the answer.
var untroubled = seen{memory, memory, minted, minted, ok, ok}

// Each service that Arngate stands on, in each kind of trouble. No answer leaks (every deployment of a test looks for that),
// none takes longer than a function may run, and no bucket is ever asked with other credentials than the connection's.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		target   target
		throttle string // its code
		want     map[string]seen
	}{
		"STS": {target{service: "sts"}, "Throttling", map[string]seen{
			"throttle": {memory, memory, throttled, throttled, throttled, ok},
			"500":      {memory, memory, unavailable, unavailable, unavailable, ok},
			"slow":     {memory, memory, late, late, late, ok},
			"cut":      {memory, memory, unavailable, unavailable, unavailable, ok},
		}},
		// Without the cache every instance mints, and counts for itself how often a site verifies.
		"cache": {target{"dynamodb", deployment.StackName + "-CredentialCache"}, "ThrottlingException", map[string]seen{
			"throttle": {memory, memory, minted, minted, ok, ok},
			"500":      {memory, memory, minted, minted, ok, ok},
			"slow":     {memory, memory, minted, minted, ok, ok},
			"cut":      {memory, memory, minted, minted, ok, ok},
		}},
		// Without the registry nobody knows what a connection is, after 30 seconds.
		"registry": {target{"dynamodb", deployment.StackName + "-Registry"}, "ProvisionedThroughputExceededException", map[string]seen{
			"throttle": {memory, throttled, throttled, throttled, throttled, throttled},
			"500":      {memory, unavailable, unavailable, unavailable, unavailable, unavailable},
			"slow":     {memory, late, late, late, late, late},
			"cut":      {memory, unavailable, unavailable, unavailable, unavailable, unavailable},
		}},
		// Without KMS nothing can be taken from the table, and no access key opened.
		"KMS": {target{service: "kms"}, "ThrottlingException", map[string]seen{
			"throttle": {memory, memory, minted, throttled, ok, ok},
			"500":      {memory, memory, minted, unavailable, ok, ok},
			"slow":     {memory, memory, minted, late, ok, ok},
			"cut":      {memory, memory, minted, unavailable, ok, ok},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.want["ahead"], c.want["behind"] = untroubled, untroubled
			synctest.Test(t, func(t *testing.T) {
				clock := &clock{}
				s := deploymenttest.InProcess(t, deploymenttest.Options{Now: clock.now, Between: clock.between})
				prepare(t, s)
				time.Sleep(time.Hour) // by no clock was anything made in the future
				for name, trouble := range troubles(c.throttle) {
					trouble.fault.Match = c.target.befalls
					clock.set(c.target, trouble.clock)
					got := observe(t, s, name, trouble.fault)
					if diff := cmp.Diff(c.want[name], got); diff != "" {
						t.Errorf("%s (-want +got):\n%s", name, diff)
					}
					clock.set(c.target, 0)
					if status := s.Verify(demosite.Provider).Field("status"); status != "ready" {
						t.Fatalf("%s: the provider is %s afterwards", name, status)
					}
					time.Sleep(time.Minute) // for the next verify
				}
			})
		})
	}
}

const keysListing = "/v1/s3/by-keys/buckets/demo-files/objects"

// prepare makes a connection through a provider on access keys.
func prepare(t *testing.T, s *deploymenttest.Stack) {
	t.Helper()
	keys := s.User("arngate", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sts:GetFederationToken","s3:*"],"Resource":"*"}]}`)
	if status := s.KeyProvider("keys", keys, ""); status != "ready" {
		t.Fatalf("the provider is %s", status)
	}
	s.Connection("by-keys", "s3", "keys", `"buckets":[{"name":"demo-files"}]`)
}

// observe lets a fault befall new instances and those that are warm.
func observe(t *testing.T, s *deploymenttest.Stack, name string, fault localaws.Fault) seen {
	t.Helper()
	recycle(t, s)
	warm := s.TokenOf(demosite.Site, "warm-"+name, "arngate/connect")
	cold := s.TokenOf(demosite.Site, "cold-"+name, "arngate/connect")
	ask(t, s, http.MethodGet, listing, warm)
	s.AWS.ResetCalls()
	s.AWS.Inject(fault) // where only the clock is off, one that does nothing
	defer s.AWS.ClearFaults()
	var got seen
	got.Warm = ask(t, s, http.MethodGet, listing, warm)
	time.Sleep(31 * time.Second)
	got.Later = ask(t, s, http.MethodGet, listing, warm)
	recycle(t, s)
	got.Cold = ask(t, s, http.MethodGet, listing, cold)
	got.Keys = ask(t, s, http.MethodGet, keysListing, cold)
	got.Admin = ask(t, s, http.MethodGet, "/v1/providers/demo", s.Admin())
	got.Verify = ask(t, s, http.MethodPost, "/v1/providers/demo/verify", s.Admin())
	neverFellBack(t, s)
	return got
}

func recycle(t *testing.T, s *deploymenttest.Stack) {
	t.Helper()
	if err := s.Recycle(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// ask sums up an answer, which must come within the time that Lambda gives a function.
func ask(t *testing.T, s *deploymenttest.Stack, method, path, token string) string {
	t.Helper()
	began := time.Now()
	answer := s.Call(method, path, token, "")
	if took := time.Since(began); took > functionTime {
		t.Errorf("%s took %s", path, took)
	}
	if path == listing || path == keysListing {
		if strings.Contains(answer.Body, deployment.Account) { // trap 22
			t.Errorf("the answer speaks of the operator's account: %s", answer.Body)
		}
	}
	for _, word := range []string{answer.Field("code"), answer.Header.Get("Arngate-Credentials")} {
		if word != "" {
			return fmt.Sprint(answer.Status, " ", word)
		}
	}
	return fmt.Sprint(answer.Status)
}

// neverFellBack fails the test if a customer's bucket was asked with other credentials than the connection's.
func neverFellBack(t *testing.T, s *deploymenttest.Stack) {
	t.Helper()
	for _, call := range s.AWS.Calls() {
		if call.Service == "s3" && !strings.Contains(call.Principal, "::"+demosite.Account+":assumed-role/"+demosite.RoleName+"/") &&
			!strings.Contains(call.Principal, "::"+demosite.Account+":federated-user/") &&
			!strings.HasSuffix(call.Principal, "::"+demosite.Account+":user/administrator") { // a test's own
			t.Errorf("%s was called by %s", call.Operation, call.Principal)
		}
	}
}

// clock is AWS's: off by so much for the calls of one target. Then one call is served at a time.
type clock struct {
	next http.RoundTripper

	mu     sync.Mutex
	target target
	off    time.Duration
	shown  atomic.Int64 // by which it is off for the call that is being served
}

func (c *clock) between(next http.RoundTripper) http.RoundTripper {
	c.next = next
	return c
}

func (c *clock) set(to target, off time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.target, c.off = to, off
}

// now is called while a call is served, which holds the lock if the clock is off.
func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.shown.Load())) }

// RoundTrip has AWS serve a call by the clock that its target has.
func (c *clock) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	if c.off == 0 {
		c.mu.Unlock()
		return c.next.RoundTrip(r)
	}
	defer c.mu.Unlock()
	var body []byte
	if r.Body != nil {
		var err error
		if body, err = io.ReadAll(r.Body); err != nil {
			return nil, fmt.Errorf("read request: %w", errors.Join(err, r.Body.Close()))
		}
	}
	if c.target.meant(r, body) {
		c.shown.Store(int64(c.off))
		defer c.shown.Store(0)
	}
	read := r.Clone(r.Context())
	read.Body = io.NopCloser(bytes.NewReader(body))
	return c.next.RoundTrip(read)
}

// target is a service, or one of the gateway's tables; the zero value is all of AWS.
type target struct{ service, table string }

// befalls says whether a call that AWS got was for the target.
func (g target) befalls(c localaws.Call) bool {
	return c.Service == g.service && strings.HasSuffix(c.Resource, g.table)
}

// meant says whether a request with that body is for the target.
func (g target) meant(r *http.Request, body []byte) bool {
	_, service := signature(r)
	return g.service == "" || service == g.service && (g.table == "" || bytes.Contains(body, []byte(`"`+g.table+`"`)))
}

func TestTroubleBeforeAnyRequestIsLogged(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{})
		s.AWS.Inject(localaws.Fault{Service: "kms", Status: http.StatusServiceUnavailable, Code: "ServiceUnavailable"})
		recycle(t, s)
		ask(t, s, http.MethodGet, listing, s.Builder())
		for line := range strings.Lines(s.Logs.String()) {
			var logged struct {
				Msg      string `json:"msg"`
				Level    string `json:"level"`
				Function string `json:"function"`
			}
			if json.Unmarshal([]byte(line), &logged) == nil && logged.Msg == "data keys not loaded" && logged.Level == "WARN" && logged.Function != "" {
				return
			}
		}
		t.Error("no line says that the data keys could not be loaded")
	})
}
