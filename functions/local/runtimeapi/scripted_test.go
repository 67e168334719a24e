package runtimeapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/functions/local/runtimeapi"
)

// scriptVariable makes this test's own executable a runtime that does what the variable's value says, instead of running tests.
const scriptVariable = "RUNTIMEAPI_TEST_SCRIPT"

// script is a runtime written by hand against the documented interface, without AWS's library.
type script struct {
	base string
	next http.Header // of the invocation that is under way
	body []byte
}

func runScript(name string) int {
	s := &script{base: "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime"} //nolint:forbidigo // Lambda's own variable
	scripts := map[string]func(){
		"echo":  func() { s.post("response", s.seen(), nil) },
		"fails": func() { s.post("error", strings.NewReader(`{"errorMessage":"no","errorType":"Mine"}`), nil) },
		"fails halfway": func() {
			s.post("response", io.MultiReader(strings.NewReader("half")), http.Header{
				"Lambda-Runtime-Function-Error-Type": {"Halfway"}, "Lambda-Runtime-Function-Error-Body": {"eyJlcnJvck1lc3NhZ2UiOiJzcGxpdCJ9"},
			})
		},
		"too much":    func() { s.print(s.post("response", io.LimitReader(endless{}, 6_291_557), nil)) },
		"just enough": func() { s.post("response", io.LimitReader(endless{}, 6_291_556), nil) },
		"answers twice": func() {
			s.post("response", strings.NewReader("1"), nil)
			s.print(s.post("response", strings.NewReader("2"), nil))
		},
		"exits": func() { os.Exit(3) },
		"hangs": func() { select {} },
	}
	switch name {
	case "can't start":
		s.send("/init/error", strings.NewReader(`{"errorMessage":"no such class","errorType":"Runtime.NoSuchHandler"}`), nil)
	case "sleeps":
		time.Sleep(time.Hour)
	default:
		for {
			s.take()
			scripts[name]()
		}
	}
	return 1
}

// print writes to the log.
func (s *script) print(status int) { _, _ = fmt.Fprintln(os.Stdout, status) }

func (s *script) take() {
	response, err := http.Get(s.base + "/invocation/next") //nolint:noctx // it waits for as long as there is nothing to do
	if err != nil {
		os.Exit(1)
	}
	s.next = response.Header
	s.body, _ = io.ReadAll(response.Body) // loopback
	_ = response.Body.Close()             // it has been read
}

// post ends the invocation that is under way.
func (s *script) post(how string, body io.Reader, trailer http.Header) int {
	return s.send("/invocation/"+s.next.Get("Lambda-Runtime-Aws-Request-Id")+"/"+how, body, trailer)
}

// send sends in chunks whatever has a trailer or no length.
func (s *script) send(path string, body io.Reader, trailer http.Header) int {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, s.base+path, body)
	if err != nil {
		os.Exit(1)
	}
	request.Trailer = trailer
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		os.Exit(1)
	}
	_ = response.Body.Close() // the status says it all
	return response.StatusCode
}

// seen is what the runtime has seen of its environment and invocation.
func (s *script) seen() io.Reader {
	environment := os.Environ()
	slices.Sort(environment)
	text, _ := json.Marshal(map[string]any{"header": s.next, "body": string(s.body), "environment": environment}) // strings only
	return bytes.NewReader(text)
}

type endless struct{}

// Read reads as many bytes as are wanted.
func (endless) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte{'a'}, len(p))), nil }

// scripted is a function that runs a script.
func scripted(t *testing.T, name string, change func(*runtimeapi.Options)) *runtimeapi.Function {
	t.Helper()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := runtimeapi.Options{
		Name: "scripted", ARN: "arn:aws:lambda:eu-central-1:111122223333:function:scripted", Executable: executable,
		Timeout: 10 * time.Second, MemoryMB: 256, Output: t.Output(),
		Environment: func() (map[string]string, error) { return map[string]string{scriptVariable: name}, nil },
	}
	if change != nil {
		change(&o)
	}
	f, err := runtimeapi.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

// A runtime sees of an invocation what Lambda shows it.
func TestWhatARuntimeSees(t *testing.T) {
	t.Parallel()
	f := scripted(t, "echo", func(o *runtimeapi.Options) { o.Concurrency = 3 })
	began := time.Now()
	got, err := f.Invoke(t.Context(), runtimeapi.Invocation{Payload: []byte(`{"a":1}`), TraceID: "Root=1-1-1", ClientContext: `{"custom":{}}`})
	if err != nil {
		t.Fatal(err)
	}
	var saw struct {
		Header      http.Header `json:"header"`
		Body        string      `json:"body"`
		Environment []string    `json:"environment"`
	}
	if err := json.Unmarshal(got.Payload, &saw); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Lambda-Runtime-Trace-Id": "Root=1-1-1", "Lambda-Runtime-Client-Context": `{"custom":{}}`, "Content-Type": "application/json",
		"Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:111122223333:function:scripted",
	}
	for name, value := range want {
		if saw.Header.Get(name) != value {
			t.Errorf("%s = %q, want %q", name, saw.Header.Get(name), value)
		}
	}
	var deadline int64
	if _, err := fmt.Sscan(saw.Header.Get("Lambda-Runtime-Deadline-Ms"), &deadline); err != nil {
		t.Fatal(err)
	}
	if left := time.UnixMilli(deadline).Sub(began); left < 9*time.Second || left > 15*time.Second {
		t.Errorf("the deadline is in %s, want 10s", left)
	}
	if saw.Body != `{"a":1}` {
		t.Errorf("body %s", saw.Body)
	}
	for _, variable := range []string{
		"AWS_LAMBDA_FUNCTION_NAME=scripted", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_INITIALIZATION_TYPE=on-demand", "AWS_LAMBDA_MAX_CONCURRENCY=3", "TZ=:UTC",
	} {
		if !slices.Contains(saw.Environment, variable) {
			t.Errorf("no %s in %q", variable, saw.Environment)
		}
	}
	if slices.ContainsFunc(saw.Environment, func(v string) bool { return strings.HasPrefix(v, "HOME=") }) {
		t.Error("the environment of the test is inherited")
	}
}

// How invocations fail that don't end with an answer, as who invoked sees it.
func TestHowInvocationsFail(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]runtimeapi.Error{
		"fails":         {Type: "Mine", Message: "no"},
		"fails halfway": {Type: "Halfway", Message: "split"},
		"too much":      {Type: runtimeapi.AnswerError, Message: "Response payload size exceeded maximum allowed payload size (6291556 bytes)."},
		"can't start":   {Type: "Runtime.NoSuchHandler", Message: "no such class"},
		"exits":         {Type: runtimeapi.ExitError, Message: "Error: Runtime exited with error: exit status 3"},
		"hangs":         {Type: runtimeapi.Timeout, Message: "Error: Task timed out after 0.50 seconds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := scripted(t, name, func(o *runtimeapi.Options) {
				if name == "hangs" {
					o.Timeout = 500 * time.Millisecond
				}
			})
			for attempt := range 2 { // an environment that is gone is replaced
				result, err := f.Invoke(t.Context(), runtimeapi.Invocation{Payload: []byte(`{}`)})
				failed, ok := errors.AsType[*runtimeapi.Error](err)
				if !ok || failed.Type != want.Type || !strings.HasSuffix(failed.Message, want.Message) {
					t.Errorf("attempt %d: got %s, %v, want %s: %s", attempt, result.Payload, err, want.Type, want.Message)
				}
			}
		})
	}
}

func TestAnswerOfJustTheLimit(t *testing.T) {
	t.Parallel()
	got, err := scripted(t, "just enough", nil).Invoke(t.Context(), runtimeapi.Invocation{})
	if err != nil || len(got.Payload) != 6_291_556 {
		t.Errorf("got %d bytes, %v", len(got.Payload), err)
	}
}

// What the Runtime API answers where a runtime is wrong.
func TestWrongRuntimesAreTold(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{"answers twice": "400\n", "too much": "413\n"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			told := &waiting{text: make(chan string, 4)}
			f := scripted(t, name, func(o *runtimeapi.Options) { o.Output = told })
			_, _ = f.Invoke(t.Context(), runtimeapi.Invocation{}) // TestHowInvocationsFail looks at it
			if got := <-told.text; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// waiting has each thing that is written waited for.
type waiting struct{ text chan string }

// Write passes p on.
func (w *waiting) Write(p []byte) (int, error) {
	w.text <- string(p)
	return len(p), nil
}

// Environments: as many as run at a time, each used again, frozen whenever it has nothing to do.
func TestEnvironmentsAreUsedAgain(t *testing.T) {
	t.Parallel()
	f := scripted(t, "echo", func(o *runtimeapi.Options) { o.Freeze = true })
	var mu sync.Mutex
	used := map[int]int{}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			got, err := f.Invoke(t.Context(), runtimeapi.Invocation{})
			if err != nil || !got.Cold {
				t.Errorf("got %t, %v, want a cold one", got.Cold, err)
			}
			mu.Lock()
			defer mu.Unlock()
			used[got.Environment]++
		})
	}
	all.Wait()
	if diff := cmp.Diff(map[int]int{1: 1, 2: 1, 3: 1}, used); diff != "" {
		t.Error(diff)
	}
	untilFrozen(t, f)
	for range 5 {
		got, err := f.Invoke(t.Context(), runtimeapi.Invocation{})
		if err != nil || got.Environment != 1 || got.Cold {
			t.Errorf("got environment %d, %v, want 1 again", got.Environment, err)
		}
	}
}

func TestClosedFunctions(t *testing.T) {
	t.Parallel()
	f := scripted(t, "echo", func(o *runtimeapi.Options) { o.Freeze = true })
	if _, err := f.Invoke(t.Context(), runtimeapi.Invocation{}); err != nil {
		t.Fatal(err)
	}
	untilFrozen(t, f)
	f.Close()
	if got := f.Environments(); len(got) > 0 {
		t.Errorf("%v are left", got)
	}
	if _, err := f.Invoke(t.Context(), runtimeapi.Invocation{}); !errors.Is(err, runtimeapi.ErrClosed) {
		t.Errorf("got %v, want ErrClosed", err)
	}
}

// Who stops waiting leaves nothing behind.
func TestWhoStopsWaiting(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"hangs", "sleeps"} {
		f := scripted(t, name, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		if _, err := f.Invoke(ctx, runtimeapi.Invocation{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		cancel()
		if got := f.Environments(); len(got) > 0 {
			t.Errorf("%v are left", got)
		}
	}
}

func TestOptionsThatAreMissing(t *testing.T) {
	t.Parallel()
	if _, err := runtimeapi.New(runtimeapi.Options{Name: "x"}); err == nil {
		t.Error("a function without an executable was made")
	}
	f := scripted(t, "echo", func(o *runtimeapi.Options) { o.Executable = "/nowhere" })
	if _, err := f.Invoke(t.Context(), runtimeapi.Invocation{}); err == nil {
		t.Error("an executable that isn't there was started")
	}
	f = scripted(t, "echo", func(o *runtimeapi.Options) {
		o.Environment = func() (map[string]string, error) { return nil, errors.New("none") }
	})
	if _, err := f.Invoke(t.Context(), runtimeapi.Invocation{}); err == nil {
		t.Error("an environment without variables was started")
	}
}

// untilFrozen waits until nothing of the function runs.
func untilFrozen(t *testing.T, f *runtimeapi.Function) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if !slices.ContainsFunc(f.Environments(), func(e runtimeapi.Environment) bool { return !e.Frozen || !stopped(t, e.PID) }) {
			return
		}
	}
	t.Fatal("it does not freeze")
}

// stopped says whether a process is stopped, where the system tells.
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if errors.Is(err, os.ErrNotExist) {
		return true // no /proc
	}
	if err != nil {
		t.Fatal(err)
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "T")
}
