package s3_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/problem"
)

// roundTrip is a function as a transport. Where it returns nil, no answer comes.
type roundTrip func(*http.Request) *http.Response

// RoundTrip answers a request.
func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) {
	if answer := f(r); answer != nil {
		return answer, nil
	}
	return nil, syscall.ECONNRESET
}

func response(r *http.Request, status int, body string, headers ...string) *http.Response {
	out := &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Request: r, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}
	for name, value := range pairs(headers) {
		out.Header.Set(name, value)
	}
	return out
}

// answered puts the connector on an S3 that answers by f.
func answered(t *testing.T, f roundTrip) *bench {
	t.Helper()
	b := newBench(t)
	b.get(t, "files/buckets").want(t, http.StatusOK, b.get(t, "files/buckets").Body) // has a session by now
	b.serve(t, connection.NewOpener(b, b, awsclient.New(awsclient.Options{Transport: f})))
	return b
}

// TestTrap16KeysReachS3Whole: no slash, dot or escape of a key is tidied up on the way to the bucket's own host.
func TestTrap16KeysReachS3Whole(t *testing.T) {
	var got []string
	b := answered(t, func(r *http.Request) *http.Response {
		got = append(got, r.URL.Host+r.URL.EscapedPath())
		return response(r, http.StatusNotFound, `<Error><Code>NoSuchKey</Code></Error>`)
	})
	for _, key := range []string{"/a", "a//b/", "../other/x", "./%2F", "a b+c?d#e", "\x01é"} {
		b.object(t, http.MethodGet, key).wantProblem(t, problem.ObjectNotFound)
	}
	host := "demo-files.s3.us-east-1.amazonaws.com"
	want := []string{
		host + "//a", host + "/a//b/", host + "/../other/x", host + "/./%252F", host + "/a%20b%2Bc%3Fd%23e", host + "/%01%C3%A9",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestTrap35Answers: whatever refusal names the region, and none that is no region or was no refusal of the place.
func TestTrap35Answers(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		code   string
		region string
		want   problem.Code // empty: found there
		asked  string
	}{
		"moved":          {http.StatusMovedPermanently, "PermanentRedirect", "eu-west-1", "", "us-east-1 eu-west-1"},
		"new bucket":     {http.StatusTemporaryRedirect, "TemporaryRedirect", "eu-west-1", "", "us-east-1 eu-west-1"},
		"signed wrong":   {http.StatusBadRequest, "AuthorizationHeaderMalformed", "eu-west-1", "", "us-east-1 eu-west-1"},
		"denied there":   {http.StatusForbidden, "AccessDenied", "eu-west-1", "", "us-east-1 eu-west-1"},
		"denied here":    {http.StatusForbidden, "AccessDenied", "us-east-1", problem.AWSAccessDenied, "us-east-1"},
		"not there":      {http.StatusNotFound, "NoSuchKey", "eu-west-1", problem.ObjectNotFound, "us-east-1"},
		"unnamed":        {http.StatusMovedPermanently, "PermanentRedirect", "", problem.AWSRejected, "us-east-1"},
		"no region":      {http.StatusMovedPermanently, "PermanentRedirect", "evil.example#", problem.ConnectionForbids, "us-east-1"},
		"moved in a run": {http.StatusMovedPermanently, "PermanentRedirect", "eu-west-2", problem.AWSRejected, "us-east-1 eu-west-2"},
	} {
		t.Run(name, func(t *testing.T) {
			var asked []string
			b := answered(t, func(r *http.Request) *http.Response {
				region := strings.Split(r.URL.Host, ".")[2]
				if strings.Contains(r.URL.RawQuery, "list-type") {
					return response(r, http.StatusForbidden, `<Error><Code>AccessDenied</Code></Error>`)
				}
				asked = append(asked, region)
				if region == "eu-west-1" {
					return response(r, http.StatusOK, "x", "Content-Length", "1")
				}
				named := test.region
				if region == "eu-west-2" {
					named = "eu-west-3"
				}
				return response(r, test.status, `<Error><Code>`+test.code+`</Code></Error>`, "X-Amz-Bucket-Region", named)
			})
			got := b.object(t, http.MethodGet, "k")
			if test.want == "" {
				got.want(t, http.StatusOK, "x")
			} else {
				got.wantProblem(t, test.want)
			}
			if s := strings.Join(asked, " "); s != test.asked {
				t.Errorf("asked %s, want %s", s, test.asked)
			}
		})
	}
}

// TestShortAnswer: an object that breaks off, or isn't what its checksum says, is no object.
func TestShortAnswer(t *testing.T) {
	for name, headers := range map[string][]string{
		"broken off": {"Content-Length", "9"}, "altered": {"Content-Length", "5", "X-Amz-Checksum-Crc32", "AAAAAA=="},
	} {
		t.Run(name, func(t *testing.T) {
			b := answered(t, func(r *http.Request) *http.Response { return response(r, http.StatusOK, "hello", headers...) })
			b.object(t, http.MethodGet, "k").wantProblem(t, problem.AWSUnavailable)
		})
	}
	b := answered(t, func(r *http.Request) *http.Response {
		return response(r, http.StatusOK, "hello", "Content-Length", "5")
	})
	b.object(t, http.MethodGet, "k").want(t, http.StatusOK, "hello")
}

// TestMemoryIsBounded: of an object whose size isn't said, or is too much, nothing is read.
func TestMemoryIsBounded(t *testing.T) {
	for name, headers := range map[string][]string{"unsaid": nil, "too much": {"Content-Length", "4194305"}} {
		t.Run(name, func(t *testing.T) {
			b := answered(t, func(r *http.Request) *http.Response {
				out := response(r, http.StatusOK, "", headers...)
				out.ContentLength, out.Body = -1, io.NopCloser(unread{t})
				return out
			})
			if got := b.object(t, http.MethodGet, "k"); got.Status != http.StatusTemporaryRedirect {
				t.Error(got)
			}
		})
	}
}

type unread struct{ t *testing.T }

// Read fails the test.
func (u unread) Read([]byte) (int, error) {
	u.t.Error("the object is read")
	return 0, io.EOF
}

// TestDocument: every operation says what it is and what can come of it.
func TestDocument(t *testing.T) {
	text, err := newBench(t).api.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	type operation struct {
		Summary     string `json:"summary"`
		Description string `json:"description"`
		Responses   map[string]struct {
			Description string `json:"description"`
		} `json:"responses"`
	}
	var document struct {
		Paths map[string]map[string]operation `json:"paths"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	count := 0
	for path, methods := range document.Paths {
		for method, op := range methods {
			count++
			if op.Summary == "" || len(op.Description) < 50 || op.Responses["403"].Description == "" {
				t.Errorf("%s %s is hardly described", method, path)
			}
		}
	}
	get := document.Paths["/v1/s3/{connection}/buckets/{bucket}/object"]["get"].Responses
	for _, status := range []string{"200", "206", "304", "307", "404", "412", "413", "416"} {
		if get[status].Description == "" {
			t.Errorf("get-object doesn't describe %s", status)
		}
	}
	if count != 14 {
		t.Errorf("%d operations", count)
	}
}
