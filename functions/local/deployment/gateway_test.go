package deployment_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/localaws"
)

// What API Gateway answers a browser is what the template says: a preflight needs no token, and a page may read the headers
// that tell of credentials and requests.
func TestGatewayAnswersPreflightsByTheTemplate(t *testing.T) {
	t.Parallel()
	const origin = "https://app.example"
	preflight := http.Header{
		"Origin": {origin}, "Access-Control-Request-Method": {"PATCH"}, "Access-Control-Request-Headers": {"authorization,content-type"},
	}
	s := deploymenttest.InProcess(t, deploymenttest.Options{Bare: true, Parameters: map[string]string{"CorsOrigins": origin + ",https://other.example"}})
	answer := s.Send(http.MethodOptions, "/v1/me", "", nil, preflight.Clone())
	got := map[string]string{}
	for name := range answer.Header {
		if strings.HasPrefix(name, "Access-Control") {
			got[name] = answer.Header.Get(name)
		}
	}
	want := map[string]string{
		"Access-Control-Allow-Origin": origin, "Access-Control-Allow-Methods": "GET,POST,PUT,PATCH,DELETE", "Access-Control-Max-Age": "600",
		"Access-Control-Allow-Headers": strings.Join(load(t, map[string]string{"CorsOrigins": origin}).APIs[0].CORS.AllowHeaders, ","),
	}
	if diff := cmp.Diff(want, got); diff != "" || answer.Status != http.StatusNoContent || answer.Body != "" {
		t.Errorf("preflight: %d %q (-want +got):\n%s", answer.Status, answer.Body, diff)
	}
	answer = s.Send(http.MethodGet, "/v1/me", "", nil, http.Header{"Origin": {origin}})
	if exposed := answer.Header.Get("Access-Control-Expose-Headers"); !strings.Contains(exposed, "arngate-credentials") {
		t.Errorf("a page may read %q, want the credentials' source among it", exposed)
	}
	strange := s.Send(http.MethodOptions, "/v1/me", "", nil, http.Header{"Origin": {"https://evil.example"}, "Access-Control-Request-Method": {"PATCH"}})
	if allowed := strange.Header.Get("Access-Control-Allow-Origin"); allowed != "" {
		t.Errorf("another origin is answered %q", allowed)
	}
	off := deploymenttest.InProcess(t, deploymenttest.Options{Bare: true})
	if answer := off.Send(http.MethodOptions, "/v1/me", "", nil, preflight.Clone()); answer.Status != http.StatusNotFound {
		t.Errorf("without origins a preflight is answered %d, want 404", answer.Status)
	}
}

func TestGatewayThrottlesByTheTemplate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := deploymenttest.InProcess(t, deploymenttest.Options{
			Bare: true, Parameters: map[string]string{"ThrottlingRate": "2", "ThrottlingBurst": "3"},
		})
		statuses := func(requests int) (got []int) {
			for range requests {
				answer := s.Call(http.MethodGet, "/v1/health", "", "")
				if answer.Status == http.StatusTooManyRequests && answer.Body != `{"message":"Too Many Requests"}` {
					t.Errorf("throttled with %s", answer.Body)
				}
				got = append(got, answer.Status)
			}
			return got
		}
		if diff := cmp.Diff([]int{200, 200, 200, 429, 429}, statuses(5)); diff != "" {
			t.Errorf("at once (-want +got):\n%s", diff)
		}
		time.Sleep(time.Second)
		if diff := cmp.Diff([]int{200, 200, 429}, statuses(3)); diff != "" {
			t.Errorf("a second later (-want +got):\n%s", diff)
		}
	})
}

// A function has the time that the template gives it, and answers within it.
func TestFunctionsEndByTheTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(deploymenttest.TemplatePath(t))
	if err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(short, []byte(strings.Replace(string(text), "Timeout: 29\n", "Timeout: 5\n", 1)), 0o600); err != nil { //nolint:gosec // the test's own folder
		t.Fatal(err)
	}
	for _, c := range []struct {
		template string
		within   time.Duration
	}{{"", 29 * time.Second}, {short, 5 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			s := deploymenttest.InProcess(t, deploymenttest.Options{Template: c.template})
			s.AWS.Inject(localaws.Fault{Service: "dynamodb", Operation: "ListTables", Delay: time.Minute})
			began := time.Now()
			answer := s.Call(http.MethodGet, "/v1/dynamodb/orders/tables", s.Builder(), "")
			took := time.Since(began)
			if took > c.within || took < c.within-2*time.Second || answer.Status < 500 {
				t.Errorf("answered %d %s after %s, want a failure within %s", answer.Status, answer.Body, took, c.within)
			}
		})
	}
}
