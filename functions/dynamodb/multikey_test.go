package dynamodb_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
)

// severalAttributes has DynamoDB describe the demo's index by-customer as one whose keys have several attributes: partitioned by
// customer and status, sorted by placed and total. (Amazon DynamoDB Developer Guide, "Multi-attribute keys pattern")
type severalAttributes struct{ next http.RoundTripper }

func (s severalAttributes) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := s.next.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.Header.Get("X-Amz-Target"), ".DescribeTable") || answer.StatusCode != http.StatusOK {
		return answer, err
	}
	var out struct {
		Table map[string]any `json:"Table"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&out); err != nil {
		return nil, err
	}
	if err := answer.Body.Close(); err != nil {
		return nil, err
	}
	if indexes, ok := out.Table["GlobalSecondaryIndexes"].([]any); ok {
		element := func(name, role string) map[string]string {
			return map[string]string{"AttributeName": name, "KeyType": role}
		}
		indexes[0].(map[string]any)["KeySchema"] = []any{ //nolint:forcetypeassert // it is one
			element("customer", "HASH"), element("status", "HASH"), element("placed", "RANGE"), element("total", "RANGE"),
		}
		defined, _ := out.Table["AttributeDefinitions"].([]any)
		for name, kind := range map[string]string{"status": "S", "total": "N"} {
			defined = append(defined, map[string]string{"AttributeName": name, "AttributeType": kind})
		}
		out.Table["AttributeDefinitions"] = defined
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, err
	}
	answer.Body, answer.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
	answer.Header.Del("Content-Length")
	answer.Header.Del("X-Amz-Crc32")
	return answer, nil
}

// An index whose keys have several attributes is described as it is, is never planned with, not even where it is named, and can be
// read by a native query, which goes to DynamoDB as it was sent.
func TestIndexesWithKeysOfSeveralAttributes(t *testing.T) {
	s := deploymenttest.InProcess(t, deploymenttest.Options{Between: func(next http.RoundTripper) http.RoundTripper { return severalAttributes{next} }})
	const orders = "/v1/dynamodb/orders/tables/Orders"
	call := func(path, body string) deploymenttest.Answer {
		method := http.MethodPost
		if body == "" {
			method = http.MethodGet
		}
		return s.Call(method, orders+path, s.Builder(), body)
	}
	for _, c := range []struct {
		name, path, body string
		status           int
		word             string
	}{
		{"described", "", "", http.StatusOK, `"key":[{"name":"customer","type":"S","role":"partition"},{"name":"status","type":"S","role":"partition"},` +
			`{"name":"placed","type":"S","role":"sort"},{"name":"total","type":"N","role":"sort"}]`},
		{"one attribute of its partition", "/search", `{"where":{"field":"customer","op":"=","value":"velo-works"},"explain":true}`, http.StatusOK, `"scan":true`},
		{
			"the whole of its key", "/search", `{"where":{"all":[{"field":"customer","op":"=","value":"velo-works"},{"field":"status","op":"=","value":"open"},` +
				`{"field":"placed","op":">","value":"2026"}]},"explain":true}`, http.StatusOK, `"scan":true`,
		},
		{"no scan", "/search", `{"where":{"field":"customer","op":"=","value":"velo-works"},"scan":"forbid"}`, http.StatusUnprocessableEntity, "bind a partition key"},
		{"by name", "/search", `{"where":{"field":"customer","op":"=","value":"velo-works"},"index":"by-customer"}`, http.StatusUnprocessableEntity, "its key is of several attributes"},
		{"in its order", "/search", `{"where":{"field":"customer","op":"=","value":"velo-works"},"order":{"field":"placed"}}`, http.StatusUnprocessableEntity, "order_unsupported"},
		{
			"natively", "/query", `{"index":"by-customer","key_condition":"#c = :c","names":{"#c":"customer"},"values":{":c":"velo-works"},"limit":2}`,
			http.StatusOK, `"count":2`,
		},
	} {
		if got := call(c.path, c.body); got.Status != c.status || !strings.Contains(got.Body, c.word) {
			t.Errorf("%s: got %d %s, want %d with %s", c.name, got.Status, got.Body, c.status, c.word)
		}
	}
	all := call("/search", `{"where":{"field":"customer","op":"=","value":"velo-works"},"limit":100}`)
	if got := strings.Count(all.Body, `"velo-works"`); got != 8 {
		t.Errorf("%d of 8 orders were found: %s", got, all.Body)
	}
}
