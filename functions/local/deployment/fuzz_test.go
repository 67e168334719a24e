package deployment_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// fuzzed is a deployment that is made once for all inputs of a fuzz test.
type fuzzed struct {
	handler http.Handler
	host    string
	token   string
}

// outside is a fuzz test as what is made once for all inputs may see it: Helper is not for use within one.
type outside struct{ testing.TB }

// Helper does nothing.
func (outside) Helper() {}

func newFuzzed(f *testing.F) fuzzed {
	f.Helper()
	s := deploymenttest.InProcess(outside{f}, deploymenttest.Options{})
	return fuzzed{s.Handler(), strings.TrimPrefix(s.URL, "http://"), s.Builder()}
}

// send sends a request and returns its answer, which is no failure of ours.
func (z fuzzed) send(t *testing.T, method, path, contentType, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Host, r.RemoteAddr = z.host, "192.0.2.10:40000"
	r.Header.Set("Authorization", "Bearer "+z.token)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	z.handler.ServeHTTP(w, r)
	text, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	if w.Code >= http.StatusInternalServerError {
		t.Fatalf("%s %s %q: %d %s", method, path, body, w.Code, text)
	}
	return w.Code, string(text)
}

// An object of any key is put, listed, read and deleted as that key and no other, or refused as a whole.
func FuzzObjectKeys(f *testing.F) {
	for _, key := range []string{
		"a", "folder/", "a b+c", "100%.csv", "%2F", "a/../b", "./a", "//", "?x=1#y", "é", "\u00e9\u0301", "\x01", "\r\n", "]]>", "&amp;", "<Key>", "'\"", "\u2028", "\ufffd",
		"readme.txt/", "__arngate_audit__/x", strings.Repeat("a", 1024), strings.Repeat("ä", 513), "\xff", "\x00", " ", "+", "*", "${filename}", "\U0001F600",
	} {
		f.Add(key)
	}
	z := newFuzzed(f)
	kept := []string{"photos/harbour.svg", "readme.txt", "reports/2026/q1.csv", "reports/2026/q2.csv", "reports/notes & drafts.md"} // the demo's own
	f.Fuzz(func(t *testing.T, key string) {
		if slices.Contains(kept, key) {
			return
		}
		object := objectRoute(key)
		content := "content"
		if strings.HasSuffix(key, "/") {
			content = "" // it makes a folder
		}
		status, answer := z.send(t, http.MethodPut, object, "text/plain", content)
		if status != http.StatusOK {
			if status/100 != 4 {
				t.Fatalf("put %q: %d %s", key, status, answer)
			}
			return
		}
		var stored struct {
			Key string `json:"key"`
		}
		if err := json.Unmarshal([]byte(answer), &stored); err != nil || stored.Key != key {
			t.Errorf("put %q answers for %q", key, stored.Key)
		}
		_, listed := z.send(t, http.MethodGet, bucketRoute+"/objects?prefix="+url.QueryEscape(key), "", "")
		if keys := keysOf(t, listed); !slices.Contains(keys, key) {
			t.Errorf("put %q, and the listing has %q", key, keys)
		}
		if status, got := z.send(t, http.MethodGet, object, "", ""); status != http.StatusOK || got != content {
			t.Errorf("put %q, and got %d %q", key, status, got)
		}
		z.carry(t, key, content)
		body, err := json.Marshal(map[string]any{"bucket": demosite.Bucket, "keys": []string{key}})
		if err != nil {
			t.Fatal(err)
		}
		if status, answer := z.send(t, http.MethodPost, "/v1/s3/files/delete", "application/json", string(body)); status != http.StatusOK || !strings.Contains(answer, `"failed":0`) {
			t.Errorf("delete %q: %d %s", key, status, answer)
		}
		if _, left := z.send(t, http.MethodGet, bucketRoute+"/objects?limit=1000", "", ""); !slices.Equal(keysOf(t, left), kept) {
			t.Fatalf("after %q was put and deleted there are %q", key, keysOf(t, left))
		}
	})
}

// carry copies an object from its key, and moves the copy back to where it came from.
func (z fuzzed) carry(t *testing.T, key, content string) {
	t.Helper()
	const aside = "aside"
	if key == aside {
		return // it can't take its own place
	}
	name, err := json.Marshal(key)
	if err != nil {
		t.Fatal(err)
	}
	end := func(key string) string { return fmt.Sprintf(`{"bucket":%q,"key":%s}`, demosite.Bucket, key) }
	for _, c := range []struct{ route, from, to, at string }{{"copy", string(name), `"aside"`, aside}, {"move", `"aside"`, string(name), key}} {
		body := fmt.Sprintf(`{"from":%s,"to":%s,"overwrite":true}`, end(c.from), end(c.to))
		if status, answer := z.send(t, http.MethodPost, "/v1/s3/files/"+c.route, "application/json", body); status != http.StatusOK || !strings.Contains(answer, `"failed":0`) {
			t.Errorf("%s %s: %d %s", c.route, body, status, answer)
		}
		if status, got := z.send(t, http.MethodGet, objectRoute(c.at), "", ""); status != http.StatusOK || got != content {
			t.Errorf("%s %s, and got %d %q", c.route, body, status, got)
		}
	}
}

func keysOf(t *testing.T, listing string) []string {
	t.Helper()
	var page struct {
		Objects []struct {
			Key string `json:"key"`
		} `json:"items"`
	}
	if err := json.Unmarshal([]byte(listing), &page); err != nil {
		t.Fatalf("%v: %s", err, listing)
	}
	keys := make([]string, 0, len(page.Objects))
	for _, object := range page.Objects {
		keys = append(keys, object.Key)
	}
	return keys
}

// What a search finds doesn't depend on how it is found: by an index or by a scan, the items are the same; and an item is found
// either by a condition or by its negation.
func FuzzSearches(f *testing.F) {
	for _, where := range []string{
		`{"field":"customer","op":"=","value":"velo-works"}`, `{"all":[{"field":"customer","op":"in","value":["velo-works","x"]},{"field":"placed","op":"begins_with","value":"2026-02"}]}`,
		`{"any":[{"field":"id","op":"=","value":"o-001"},{"field":"total","op":">","value":100.5}]}`, `{"not":{"field":"tags","op":"contains","value":"gift"}}`,
		`{"field":"total","op":"between","value":[1e2,2E2]}`, `{"field":["a.b",0],"op":"exists"}`, `{"field":"status","op":"ends_with","value":"ed"}`,
		`{"field":"tags","op":"=","value":{"$set":["demo","gift"]}}`, `{"all":[]}`, `{"any":[]}`, `{"field":"placed","op":"type","value":"S"}`,
		`{"all":[{"field":"customer","op":"=","value":"velo-works"},{"field":"customer","op":"=","value":"north-harbour"}]}`,
		`{"field":"customer","op":"not_in","value":["velo-works"]}`, `{"field":"nothing","op":"!=","value":null}`,
	} {
		f.Add(where)
	}
	z := newFuzzed(f)
	ids := func(t *testing.T, where, more string) ([]string, bool) {
		t.Helper()
		status, answer := z.send(t, http.MethodPost, "/v1/dynamodb/orders/tables/Orders/search", "application/json",
			fmt.Sprintf(`{"where":%s,"fields":["id"],"limit":1000%s}`, where, more))
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
		}
		if status != http.StatusOK {
			return nil, false
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		found := make([]string, 0, len(page.Items))
		for _, item := range page.Items {
			found = append(found, item.ID)
		}
		slices.Sort(found)
		return found, true
	}
	f.Fuzz(func(t *testing.T, where string) {
		if !json.Valid([]byte(where)) {
			return // the body would be another
		}
		found, ok := ids(t, where, "")
		if !ok {
			return
		}
		if scanned, ok := ids(t, where, `,"index":"none"`); !ok || !slices.Equal(found, scanned) {
			t.Errorf("%s finds %q, by a scan %q, %t", where, found, scanned, ok)
		}
		others, ok := ids(t, `{"not":`+where+`}`, "")
		if !ok {
			return // the negation is deeper than is allowed
		}
		if all := slices.Sorted(slices.Values(slices.Concat(found, others))); len(all) != 24 || len(slices.Compact(all)) != 24 {
			t.Errorf("%s finds %d, its negation %d, of 24", where, len(found), len(others))
		}
	})
}

// A native scan finds an item either by a filter or by its negation, page by page the same; and a native query finds what a scan
// finds by the query's condition as a filter.
func FuzzNativeReads(f *testing.F) {
	for _, seed := range [][2]string{
		{"#c = :v", `"velo-works"`},
		{"#c = :v AND begins_with(#p, :p)", `"velo-works"`},
		{"#c = :v AND #p BETWEEN :p AND :p", `"north-harbour"`},
		{"contains(tags, :v)", `"gift"`},
		{"#t > :v OR attribute_not_exists(#t)", `1e2`},
		{"size(tags) >= :v", `{"$number":"2"}`},
		{"#t IN (:v, #p)", `{"$set":[1,2]}`},
		{"tags = :v", `{"$set":["gift","demo"]}`},
		{"#c = :v) OR (#c = :v", `"velo-works"`},
		{":v = #c", `"velo-works"`},
		{"attribute_type(#t, :v)", `"N"`},
		{"NOT #c <> :v", `{"$map":{"$set":1}}`},
	} {
		f.Add(seed[0], seed[1])
	}
	z := newFuzzed(f)
	f.Fuzz(func(t *testing.T, condition, v string) {
		if !json.Valid([]byte(v)) {
			return // the body would be another
		}
		found, ok := z.native(t, "scan", "filter", condition, v, 1000)
		if !ok {
			if _, ok := z.native(t, "query", "key_condition", condition, v, 1000); ok {
				t.Errorf("%q is no filter, and a key condition", condition)
			}
			return
		}
		if others, ok := z.native(t, "scan", "filter", "NOT ("+condition+")", v, 7); ok {
			if all := slices.Sorted(slices.Values(slices.Concat(found, others))); len(all) != 24 || len(slices.Compact(all)) != 24 {
				t.Errorf("%q finds %d, its negation %d, of 24", condition, len(found), len(others))
			}
		}
		if queried, ok := z.native(t, "query", "key_condition", condition, v, 2); ok && !slices.Equal(queried, found) {
			t.Errorf("%q finds %q by a query, %q by a scan", condition, queried, found)
		}
	})
}

// native reads all pages of a native query or scan, and returns the ids that it finds, sorted. It is not ok if there is a problem with it.
func (z fuzzed) native(t *testing.T, route, member, condition, v string, limit int) (ids []string, ok bool) {
	t.Helper()
	body := map[string]any{member: condition, "limit": limit}
	if route == "query" {
		body["index"] = "by-customer"
	}
	names, values := map[string]string{}, map[string]json.RawMessage{}
	for placeholder, name := range map[string]string{"#c": "customer", "#p": "placed", "#t": "total"} {
		if strings.Contains(condition, placeholder) {
			names[placeholder] = name
		}
	}
	for placeholder, of := range map[string]string{":v": v, ":p": `"2026-02"`} {
		if strings.Contains(condition, placeholder) {
			values[placeholder] = json.RawMessage(of)
		}
	}
	body["names"], body["values"] = names, values
	for {
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		status, answer := z.send(t, http.MethodPost, "/v1/dynamodb/orders/tables/Orders/"+route, "application/json", string(text))
		if status != http.StatusOK {
			return nil, false
		}
		var page struct {
			Items []struct {
				ID string `json:"id"`
			} `json:"items"`
			Next string `json:"next_cursor"`
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatalf("%v: %s", err, answer)
		}
		for _, item := range page.Items {
			ids = append(ids, item.ID)
		}
		if body["cursor"] = page.Next; page.Next == "" {
			slices.Sort(ids)
			return ids, true
		}
	}
}
