package deployment_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localgateway/template"
)

// expected is what a sample event is answered with on a fresh demo.
type expected struct {
	status        int    // zero where the answer is no HTTP answer
	account, call string // an action that AWS allowed to a principal of the account meanwhile; empty where none is needed
	word          string // in the body, or in an answer that has none
}

// answers reads testdata/answers.txt, by the events' names.
func answers(t *testing.T) map[string]expected {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "answers.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]expected{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Fields(line)
		if len(fields) < 3 {
			t.Fatalf("want an event, a status and a call: %q", line)
		}
		e := expected{word: strings.Join(fields[3:], " ")}
		if fields[1] != "-" {
			if e.status, err = strconv.Atoi(fields[1]); err != nil {
				t.Fatal(err)
			}
		}
		e.account, e.call, _ = strings.Cut(strings.TrimPrefix(fields[2], "-"), "/")
		all[fields[0]] = e
	}
	return all
}

// Every sample event goes through the handler that the template gives its route, as Lambda would call it.
func TestEventsThroughTheirHandlers(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(deploymenttest.Root(t), "events", "*-*.json"))
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(f string) bool { return filepath.Base(f) == "local-env.json" })
	outcomes := answers(t)
	if len(files) != len(outcomes) {
		t.Errorf("there are %d events, and answers of %d", len(files), len(outcomes))
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, ok := outcomes[name]
			if !ok {
				t.Fatal("nobody has said what this event is answered with")
			}
			s := deploymenttest.Start(t)
			before := len(s.AWS.Calls())
			status, body := invoke(t, s, file)
			if status != want.status || !strings.Contains(body, want.word) {
				t.Errorf("got %d %s, want %d with %s", status, body, want.status, want.word)
			}
			called := slices.ContainsFunc(s.AWS.Calls()[before:], func(c localaws.Call) bool {
				return c.Action == want.call && c.Allowed && strings.Contains(c.Principal, "::"+want.account+":")
			})
			if want.call != "" && !called {
				t.Errorf("AWS allowed no %s to a principal of %s", want.call, want.account)
			}
		})
	}
}

// invoke sends the event to its function. The status is zero, and the body the whole answer, if that is no HTTP answer.
func invoke(t *testing.T, s *deploymenttest.Stack, file string) (status int, body string) {
	t.Helper()
	event, err := os.ReadFile(file) //nolint:gosec // the repository's own file
	if err != nil {
		t.Fatal(err)
	}
	handler, err := s.Instance(t.Context(), receiver(t, s, file, event))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := handler.Invoke(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		StatusCode      int    `json:"statusCode"`
		Body            string `json:"body"`
		IsBase64Encoded bool   `json:"isBase64Encoded"`
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		t.Fatal(err)
	}
	if got.StatusCode == 0 {
		return 0, string(answer)
	}
	if got.IsBase64Encoded {
		plain, err := base64.StdEncoding.DecodeString(got.Body)
		if err != nil {
			t.Fatal(err)
		}
		got.Body = string(plain)
	}
	return got.StatusCode, got.Body
}

// receiver is the function that the event is for, by the event's file. A request's must be the one that has its route.
func receiver(t *testing.T, s *deploymenttest.Stack, file string, event []byte) string {
	t.Helper()
	prefix, _, _ := strings.Cut(filepath.Base(file), "-")
	i := slices.IndexFunc(s.Template.Functions, func(f template.Function) bool {
		return strings.EqualFold(f.LogicalID, prefix+"Function")
	})
	if i < 0 {
		t.Fatalf("the template has no function for %s", file)
	}
	name := s.Template.Functions[i].LogicalID
	var sent struct {
		RouteKey string `json:"routeKey"`
	}
	if err := json.Unmarshal(event, &sent); err != nil {
		t.Fatal(err)
	}
	routed := slices.ContainsFunc(s.Template.Routes, func(r template.Route) bool {
		return r.Key() == sent.RouteKey && r.Function == name
	})
	if sent.RouteKey != "" && !routed {
		t.Fatalf("%s has no route %s", name, sent.RouteKey)
	}
	return name
}
