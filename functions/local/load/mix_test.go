package load_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	vegeta "github.com/tsenart/vegeta/v12/lib"

	"github.com/arngate/arngate/shared/demosite"
)

// mix is what callers do, as often as they would: mostly reads, of items more than of files, and some calls of functions.
type mix struct {
	url    string
	tokens []string // of some users of two sites
	parts  []*part
	order  []*part // each as often as it weighs
	sent   atomic.Uint64
}

// part is one kind of request. In path and body, # is a number from 0 to 99 that is another each time.
type part struct {
	weight       int
	method, path string
	body         string
	sent         atomic.Uint64
}

const (
	users   = 20
	numbers = 100
)

func newMix(t *testing.T, s *server) *mix {
	t.Helper()
	m := &mix{url: s.url, parts: []*part{
		{weight: 28, method: http.MethodGet, path: "/v1/dynamodb/orders/tables/Orders/item?key=%7B%22id%22%3A%22load-#%22%7D"},
		{weight: 17, method: http.MethodPost, path: "/v1/dynamodb/orders/tables/Orders/search", body: `{"where":{"all":[{"field":"customer","op":"=","value":"north-harbour"},{"field":"total","op":">","value":10}]},"limit":10}`},
		{weight: 6, method: http.MethodGet, path: "/v1/dynamodb/orders/tables/Orders/items?limit=20"},
		{weight: 8, method: http.MethodPut, path: "/v1/dynamodb/orders/tables/Orders/item", body: `{"item":{"id":"load-#","customer":"load","placed":"2026-01-#","total":#}}`},
		{weight: 4, method: http.MethodPatch, path: "/v1/dynamodb/orders/tables/Orders/item?key=%7B%22id%22%3A%22o-001%22%7D", body: `{"add":{"views":1}}`},
		{weight: 2, method: http.MethodPost, path: "/v1/dynamodb/orders/writes", body: `{"atomic":false,"writes":[{"put":{"table":"Orders","item":{"id":"pair-#"}}},{"put":{"table":"Orders","item":{"id":"pair-b-#"}}}]}`},
		{weight: 1, method: http.MethodPost, path: "/v1/dynamodb/orders/writes", body: `{"atomic":true,"writes":[{"put":{"table":"Orders","item":{"id":"both-#"}}},{"put":{"table":"Orders","item":{"id":"both-b-#"}}}]}`},
		{weight: 3, method: http.MethodGet, path: "/v1/dynamodb/orders/tables/Orders"},
		{weight: 6, method: http.MethodGet, path: "/v1/s3/files/buckets/demo-files/objects?prefix=reports/&delimiter=/"},
		{weight: 10, method: http.MethodGet, path: "/v1/s3/files/buckets/demo-files/object?key=reports/2026/q1.csv"},
		{weight: 3, method: http.MethodPut, path: "/v1/s3/files/buckets/demo-files/object?key=reports/load-#", body: `{"n":#}`},
		{weight: 2, method: http.MethodPost, path: "/v1/s3/files/downloads", body: `{"objects":[{"bucket":"demo-files","key":"reports/2026/q1.csv"}]}`},
		{weight: 2, method: http.MethodGet, path: "/v1/lambda/actions/functions"},
		{weight: 6, method: http.MethodPost, path: "/v1/lambda/actions/functions/hello/invocations", body: `{"name":"#"}`},
		{weight: 2, method: http.MethodGet, path: "/v1/me"},
	}}
	for i := range users {
		site := [...]string{demosite.Site, demosite.OtherSite}[i%2] // whose users have the same names
		m.tokens = append(m.tokens, s.token(t, site, fmt.Sprintf("user-%d@example.com", i/2), "arngate/connect"))
	}
	// Spread, so that no kind comes in a row: each part's turns lie evenly over the round.
	for turn := range numbers {
		for _, p := range m.parts {
			if turn*p.weight/numbers != (turn+1)*p.weight/numbers {
				m.order = append(m.order, p)
			}
		}
	}
	return m
}

// next makes m a vegeta.Targeter.
func (m *mix) next(target *vegeta.Target) error {
	n := m.sent.Add(1)
	round := n / uint64(len(m.order))
	p := m.order[n%uint64(len(m.order))]
	p.sent.Add(1)
	number := fmt.Sprintf("%d", 1+round%numbers)
	target.Method, target.URL = p.method, m.url+strings.ReplaceAll(p.path, "#", number)
	target.Body, target.Header = nil, http.Header{"Authorization": {"Bearer " + m.tokens[(n+round)%users]}} // each user comes to each part
	if p.body != "" {
		target.Body = []byte(strings.ReplaceAll(p.body, "#", number))
		target.Header.Set("Content-Type", "application/json")
	}
	return nil
}
