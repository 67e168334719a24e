package runtimeapi_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/arngate/arngate/functions/local/deployment"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/functions/local/runtimeapi"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// world is the demo site on a local AWS that processes reach over the network.
type world struct {
	*deploymenttest.Stack

	server   *httptest.Server // of the local AWS
	endpoint string           // where functions reach it
	arrived  atomic.Pointer[chan struct{}]
	course   atomic.Pointer[course] // to which calls of AWS are added; nil: to none
}

func newWorld(tb testing.TB, o deploymenttest.Options) *world {
	tb.Helper()
	w := &world{Stack: deploymenttest.InProcess(tb, o)}
	w.server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, in *http.Request) {
		if arrived := w.arrived.Load(); arrived != nil {
			select {
			case *arrived <- struct{}{}:
			default: // nobody waits any more
			}
		}
		began := time.Now()
		w.AWS.ServeHTTP(out, in)
		w.course.Load().add(began, time.Now())
	}))
	w.endpoint = w.server.URL
	tb.Cleanup(w.server.Close)
	return w
}

// arrivals says that a request has arrived at AWS since.
func (w *world) arrivals() <-chan struct{} {
	arrived := make(chan struct{}, 1)
	w.arrived.Store(&arrived)
	return arrived
}

// executables is the folder of this run's executables.
func executables() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("arngate-executables-%d", os.Getpid()))
}

// built remembers what has been built in this run: a [sync.Once] for each package.
var built sync.Map

// executable builds a package of the repository, once, and returns where it is.
func executable(tb testing.TB, pkg string) string {
	tb.Helper()
	path := filepath.Join(executables(), strings.NewReplacer("./", "", "/", "-").Replace(pkg))
	once, _ := built.LoadOrStore(pkg, new(sync.Once))
	build, ok := once.(*sync.Once)
	if !ok {
		tb.Fatal("not a sync.Once")
	}
	build.Do(func() {
		if err := runtimeapi.Build(tb.Context(), deploymenttest.Root(tb), pkg, path); err != nil {
			tb.Fatal(err)
		}
	})
	return path
}

// function is a function of the template as it is deployed, by its logical id. Its log is the test's.
func (w *world) function(tb testing.TB, logicalID string, change func(*runtimeapi.Options)) *runtimeapi.Function {
	tb.Helper()
	declared, ok := w.Template.Function(logicalID)
	if !ok {
		tb.Fatalf("the template has no %s", logicalID)
	}
	o := runtimeapi.Options{
		Name: declared.Name, ARN: declared.ARN, Executable: executable(tb, declared.Package),
		Timeout: time.Duration(declared.Timeout) * time.Second, MemoryMB: declared.MemorySize, Freeze: true, Output: tb.Output(),
		Environment: func() (map[string]string, error) { return w.environment(tb, declared) },
	}
	if change != nil {
		change(&o)
	}
	f, err := runtimeapi.New(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(f.Close)
	return f
}

// environment is what Lambda gives a function of the template.
func (w *world) environment(tb testing.TB, declared template.Function) (map[string]string, error) {
	tb.Helper()
	role, err := w.Credentials(declared).Retrieve(tb.Context())
	if err != nil {
		return nil, err
	}
	environment := maps.Clone(declared.Environment)
	maps.Copy(environment, map[string]string{
		"AWS_ENDPOINT_URL": w.endpoint, "AWS_REGION": deployment.Region, "AWS_DEFAULT_REGION": deployment.Region,
		"AWS_ACCESS_KEY_ID": role.AccessKeyID, "AWS_SECRET_ACCESS_KEY": role.SecretAccessKey, "AWS_SESSION_TOKEN": role.SessionToken,
	})
	return environment, nil
}

// event is a sample event, changed.
func event(tb testing.TB, name string, change func(event map[string]any)) []byte {
	tb.Helper()
	text, err := os.ReadFile(filepath.Join(deploymenttest.Root(tb), "events", name+".json")) //nolint:gosec // the repository's own file
	if err != nil {
		tb.Fatal(err)
	}
	if change == nil {
		return text
	}
	var e map[string]any
	if err := json.Unmarshal(text, &e); err != nil {
		tb.Fatal(err)
	}
	change(e)
	if text, err = json.Marshal(e); err != nil {
		tb.Fatal(err)
	}
	return text
}

// withBody replaces an event's body.
func withBody(body string) func(map[string]any) {
	return func(e map[string]any) { e["body"], e["isBase64Encoded"] = body, false }
}

// withQuery replaces an event's query parameters: names and values in turn.
func withQuery(pairs ...string) func(map[string]any) {
	values, parameters := url.Values{}, map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		values.Set(pairs[i], pairs[i+1])
		parameters[pairs[i]] = pairs[i+1]
	}
	return func(e map[string]any) { e["rawQueryString"], e["queryStringParameters"] = values.Encode(), parameters }
}

// answer is an HTTP API's answer as a function gives it.
type answer struct {
	runtimeapi.Result `json:"-"`

	Status  int               `json:"statusCode"`
	Headers map[string]string `json:"headers"`
	Body    string            `json:"body"`
	Base64  bool              `json:"isBase64Encoded"`
}

// credentials is where those came from that the answer was made with.
func (a answer) credentials() string {
	for name, value := range a.Headers {
		if strings.EqualFold(name, "Arngate-Credentials") {
			return value
		}
	}
	return ""
}

// decoded is the body as a client gets it.
func (a answer) decoded(tb testing.TB) string {
	tb.Helper()
	if !a.Base64 {
		return a.Body
	}
	plain, err := base64.StdEncoding.DecodeString(a.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(plain)
}

// invoke sends an event and takes the answer apart.
func invoke(tb testing.TB, f *runtimeapi.Function, event []byte) (answer, error) {
	tb.Helper()
	result, err := f.Invoke(tb.Context(), runtimeapi.Invocation{Payload: event})
	a := answer{Result: result}
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(result.Payload, &a); err != nil {
		tb.Errorf("%s: %v", result.Payload, err)
	}
	return a, nil
}

// mustInvoke sends an event that is answered with status.
func mustInvoke(tb testing.TB, f *runtimeapi.Function, event []byte, status int) answer {
	tb.Helper()
	a, err := invoke(tb, f, event)
	if err != nil {
		tb.Fatal(err)
	}
	if a.Status != status {
		tb.Fatalf("got %d %s, want %d", a.Status, a.Body, status)
	}
	return a
}
