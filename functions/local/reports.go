package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/arngate/arngate/shared/demosite"
)

// reportsPath is below which the demo's reports are: /demo/reports/demo. Sealed links end after 15 minutes, and the screen stays
// for as long as somebody looks at it: so each visit makes a link of its own and leads to it.
const reportsPath = "/demo/reports/"

// demoReports are the reports that the screen names, and what each shows.
var demoReports = [...]struct{ provider, shows string }{
	{demosite.GoodProvider, "a role as it should be"},
	{demosite.Provider, "lacks a permission"},
	{demosite.BroadProvider, "may do too much"},
	{demosite.OpenProvider, "trusts everybody"},
}

// withReports puts the ways to the demo's reports before next.
func (s *server) withReports(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		provider, ours := strings.CutPrefix(r.URL.Path, reportsPath)
		// A page of another name that resolves to loopback must not get a link.
		if !ours || !s.demo || r.Host != s.apiAddress || r.Method != http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		link, err := s.reportLink(r.Context(), provider)
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, link, http.StatusSeeOther) //nolint:gosec // our own API has made the link
	})
}

// reportLink makes a sealed link to the report of the provider's last audit, as the demo site's auditor does.
func (s *server) reportLink(ctx context.Context, provider string) (string, error) {
	var page struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	if err := s.asAuditor(ctx, http.MethodGet, "/v1/audits?limit=1&provider="+url.QueryEscape(provider), &page); err != nil {
		return "", err
	}
	if len(page.Items) == 0 {
		return "", fmt.Errorf("there is no audit of %q", provider)
	}
	var link struct {
		URL string `json:"url"`
	}
	err := s.asAuditor(ctx, http.MethodPost, "/v1/audits/"+page.Items[0].ID+"/link", &link)
	return link.URL, err
}

// asAuditor asks the API with the token of the demo site's auditor.
func (s *server) asAuditor(ctx context.Context, method, path string, out any) error {
	token, err := s.deployment.Token(auditor())
	if err != nil {
		return err
	}
	request := httptest.NewRequestWithContext(ctx, method, "http://"+s.apiAddress+path, nil)
	request.Header.Set("Authorization", "Bearer "+token)
	answer := httptest.NewRecorder()
	s.deployment.Handler().ServeHTTP(answer, request)
	if answer.Code/100 != 2 {
		return fmt.Errorf("%s %s answered %d: %s", method, path, answer.Code, bytes.TrimSpace(answer.Body.Bytes()))
	}
	if err := json.Unmarshal(answer.Body.Bytes(), out); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	return nil
}
