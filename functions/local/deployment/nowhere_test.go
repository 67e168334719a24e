package deployment_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// destinations keeps the hosts that requests to AWS go to. Safe for concurrent use.
type destinations struct {
	next  http.RoundTripper
	hosts sync.Map
}

func (d *destinations) between(next http.RoundTripper) http.RoundTripper {
	d.next = next
	return d
}

// RoundTrip notes the host and passes the request on.
func (d *destinations) RoundTrip(r *http.Request) (*http.Response, error) {
	d.hosts.Store(r.URL.Host, true)
	d.hosts.Store(r.Host, true)
	return d.next.RoundTrip(r)
}

// trap 21: whatever a name in a request is, what goes out goes to AWS's own address, and to what the connection includes there.
func TestTrap21NamesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &destinations{}
		s := deploymenttest.InProcess(t, deploymenttest.Options{Between: d.between})
		const regional = ":eu-central-1:" + demosite.Account + ":"
		included := []string{"arn:aws:s3:::demo-files", "arn:aws:dynamodb" + regional + "table/Orders", "arn:aws:lambda" + regional + "function:hello"}
		names := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{
			"arn:aws:s3:::demo-archive", "arn:aws:s3:eu-central-1:444455556666:accesspoint/x", "demo-archive", "demo-files/../demo-archive", "..", ".", "%2e%2e",
			"//evil.example", "evil.example#", "evil.example/", "@evil.example", "demo-files@evil.example", "demo-files?x=", "demo-files#", "demo-files\n", "DEMO-FILES",
			"x-s3alias", "x--ol-s3", "demo-files--use1-az1--x-s3", "169.254.169.254", "localhost", "arn:aws:dynamodb:eu-central-1:111122223333:table/arngate-local-Registry",
			"arngate-local-Registry", "Orders/index/by-customer", "Orders\x00", "arn:aws:lambda:eu-central-1:111122223333:function:x", "hello:live", "111122223333:hello",
			"hello/../../x", "us-east-1.evil.example#", "eu-central-1", "%00", "\r\nHost: evil.example", "*", "${aws:username}",
		}))
		rapid.Check(inBubble{t}, func(rt *rapid.T) {
			name := names.Draw(rt, "name")
			inPath, inQuery := url.PathEscape(name), url.QueryEscape(name)
			inJSON, err := json.Marshal(name)
			if err != nil {
				rt.Fatal(err)
			}
			builder := s.TokenOf(demosite.Site, demosite.User, scopes()...)
			for _, r := range []struct{ method, path, body string }{
				{http.MethodGet, "/v1/s3/files/buckets/" + inPath + "/objects", ""},
				{http.MethodGet, "/v1/s3/files/buckets/" + inPath + "/object?key=readme.txt", ""},
				{http.MethodGet, "/v1/s3/files/buckets/demo-files/object?key=" + inQuery, ""},
				{http.MethodGet, "/v1/s3/files/buckets/demo-files/objects?cursor=" + inQuery, ""},
				{http.MethodPost, "/v1/s3/files/copy", fmt.Sprintf(`{"from":{"bucket":%s,"key":"readme.txt"},"to":{"bucket":"demo-files","key":"x"}}`, inJSON)},
				{http.MethodPost, "/v1/s3/files/delete", fmt.Sprintf(`{"bucket":%s,"keys":["x"]}`, inJSON)},
				{http.MethodGet, "/v1/dynamodb/orders/tables/" + inPath, ""},
				{http.MethodPost, "/v1/dynamodb/orders/tables/Orders/query", fmt.Sprintf(`{"index":%s,"key_condition":"id = :i","values":{":i":"x"}}`, inJSON)},
				{http.MethodPost, "/v1/dynamodb/orders/writes", fmt.Sprintf(`{"writes":[{"put":{"table":%s,"item":{"id":"x"}}}]}`, inJSON)},
				{http.MethodPost, "/v1/lambda/actions/functions/" + inPath + "/invocations", "{}"},
				{http.MethodPost, "/v1/lambda/actions/functions/hello/invocations?mode=dry-run&qualifier=" + inQuery, "{}"},
				{http.MethodPost, "/v1/connections", fmt.Sprintf(`{"name":"c","connector":"s3","provider":"demo","region":%s,"groups":["*"],"buckets":[{"name":"demo-files"}]}`, inJSON)},
				{http.MethodPost, "/v1/connections", fmt.Sprintf(`{"name":"c","connector":"s3","provider":"demo","region":"eu-central-1","groups":["*"],"buckets":[{"name":"demo-files","owner":%s}]}`, inJSON)},
				{http.MethodDelete, "/v1/connections/c", ""},
				{http.MethodPost, "/v1/providers", fmt.Sprintf(`{"name":"p","method":"assume_role","role_arn":%s}`, inJSON)},
				{http.MethodDelete, "/v1/providers/p", ""},
			} {
				answer := s.Call(r.method, r.path, builder, r.body)
				if code := answer.Field("code"); answer.Status >= http.StatusInternalServerError && code != "aws_unavailable" {
					rt.Errorf("%s %s %s: %d %s", r.method, r.path, r.body, answer.Status, answer.Body)
				}
			}
			for host := range d.hosts.Range {
				if host != "" && host != "127.0.0.1:4566" {
					rt.Errorf("a request went to %q", host)
				}
			}
			for _, call := range s.AWS.Calls() {
				theirs := strings.Contains(call.Principal, ":"+demosite.Account+":assumed-role/") && call.Resource != ""
				if theirs && !slices.ContainsFunc(included, func(r string) bool {
					return call.Resource == r || strings.HasPrefix(call.Resource, r+"/") || strings.HasPrefix(call.Resource, r+":")
				}) {
					rt.Errorf("%s was called for %q", call.Operation, call.Resource)
				}
			}
			s.AWS.ResetCalls()
		})
	})
}
