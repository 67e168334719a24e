package main

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The addresses of reports on the screen open in a browser, without a token, and show what they say.
func TestPrintedReportsOpen(t *testing.T) {
	out, _ := start(t)
	text := out.String()
	addresses := regexp.MustCompile(`http://\S+/demo/reports/(\S+)`).FindAllStringSubmatch(text, -1)
	if len(addresses) != len(demoReports) {
		t.Fatalf("the screen names %d reports, want %d", len(addresses), len(demoReports))
	}
	for _, address := range addresses {
		page := open(t, address[0], "")
		if page.status != http.StatusOK || !strings.HasPrefix(page.mediaType, "text/html") || !strings.Contains(page.body, address[1]) {
			t.Errorf("%s: %d %s", address[0], page.status, page.body)
		}
		if !strings.HasPrefix(page.path, "/v1/reports/") {
			t.Errorf("%s leads to %s, want a sealed link", address[0], page.path)
		}
	}
}

// Each of the demo's roles has the findings that it is there to show, by severity.
func TestDemoRolesHaveTheirFindings(t *testing.T) {
	out, _ := start(t)
	text := out.String()
	api := regexp.MustCompile(`ARNGATE=(\S+)`).FindStringSubmatch(text)[1]
	token := regexp.MustCompile(`ARNGATE_AUDIT_TOKEN=(\S+)`).FindStringSubmatch(text)[1]
	var page struct {
		Items []struct {
			Provider string `json:"provider"`
			Severity string `json:"severity"`
			Rule     string `json:"rule"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(open(t, api+"/v1/findings?limit=100", token).body), &page); err != nil {
		t.Fatal(err)
	}
	got := map[string]map[string][]string{}
	for _, f := range page.Items {
		if f.Severity == "info" {
			continue
		}
		if got[f.Provider] == nil {
			got[f.Provider] = map[string][]string{}
		}
		got[f.Provider][f.Severity] = append(got[f.Provider][f.Severity], f.Rule)
	}
	want := map[string]map[string][]string{
		"demo": {"high": {"required_action_missing", "required_action_missing"}},
		"legacy": {
			"critical": {"assumable_with_wrong_external_id", "assumable_without_external_id"},
			"high":     {"foreign_principal"},
		},
		"marketing": {
			"critical": {"privilege_escalation", "privilege_escalation"},
			"high":     {"write_excess", "write_excess"},
			"medium":   {"read_excess", "read_excess", "resource_too_wide"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-want +got):\n%s", diff)
	}
}

// opened is what an address led to in the end.
type opened struct {
	status                int
	mediaType, path, body string
}

func open(t *testing.T, address, token string) opened {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it has been read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return opened{answer.StatusCode, answer.Header.Get("Content-Type"), answer.Request.URL.Path, string(body)}
}
